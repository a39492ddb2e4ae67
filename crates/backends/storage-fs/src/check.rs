//! Checking what a walk through all entries does not see: base, logs, and files
//! that no entry names.

use std::io::{self, BufReader};

use storage_core::{CheckReport, Damage, ErrorKind, Mark, Result};

use crate::{
    base::{self, Base},
    error::failed,
    files::VALUES,
    log::{
        self,
        frame::{Frames, Next},
        record::MAGIC,
    },
    shared::Shared,
};

impl Shared {
    /// Reads base and logs, and looks through the directories of value files.
    /// Nothing is compacted or removed meanwhile; commits go on.
    pub(crate) fn check(&self) -> Result<CheckReport> {
        let upkeep = self.upkeep();
        let mut report = CheckReport::default();
        self.check_base(upkeep.base, &mut report)?;
        let end = self.writer().log.mark();
        for number in upkeep.base..=end.log {
            self.check_log(number, end, &mut report)?;
        }
        let strays = self.strays()?;
        for (shard, name) in strays.orphans {
            // The name has a key in it.
            let number = name.split(['.', '+']).next().unwrap_or_default();
            report.damages.push(Damage::new(
                format!("data/{VALUES}/{}/{number}.*", shard.path()),
                "no entry has this file; a compaction removes it",
            ));
        }
        for path in strays.foreign {
            report.damages.push(Damage::new(
                format!("data/{VALUES}/{path}"),
                "is not a file of this store; move it elsewhere",
            ));
        }
        Ok(report)
    }

    fn check_base(&self, number: u64, report: &mut CheckReport) -> Result<()> {
        match Base::read(&self.data, number) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let place = format!("data/{}", base::name(number));
                report.damages.push(Damage::new(place, error.message()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Checks a log, the last one up to `end`.
    fn check_log(&self, number: u64, end: Mark, report: &mut CheckReport) -> Result<()> {
        let name = log::name(number);
        match self.broken_at(number, end) {
            Ok(None) => Ok(()),
            Ok(Some(position)) => {
                report.damages.push(Damage::new(
                    format!("data/{name}"),
                    format!("is damaged at byte {position}; compact the store to write it anew"),
                ));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = "is missing; compact the store to write it anew";
                report
                    .damages
                    .push(Damage::new(format!("data/{name}"), what));
                Ok(())
            }
            Err(error) => Err(failed("reading", &name, error)),
        }
    }

    /// Where a log is broken, if it is.
    fn broken_at(&self, number: u64, end: Mark) -> io::Result<Option<u64>> {
        let file = self.data.read(&log::name(number))?;
        let found = file.metadata()?.len();
        let length = if number == end.log {
            end.position
        } else {
            found
        };
        if found < length {
            return Ok(Some(found));
        }
        let Some(mut frames) = Frames::new(BufReader::new(file), MAGIC, length)? else {
            return Ok(Some(0));
        };
        loop {
            let (position, _) = frames.tail();
            match frames.next()? {
                Next::Frame(_) => {}
                Next::End => return Ok(None),
                Next::Broken => return Ok(Some(position)),
            }
        }
    }
}
