//! Claims about how often a comparison reads the stores.

use super::*;

/// Copies, damages the copy, and verifies it with a clock on which each reading
/// takes an hour. Answers how often an entry was read.
fn readings_of_a_damaged_copy(expires: Option<Duration>) -> u64 {
    let clock = ManualClock::at(Timestamp::from_unix_milliseconds(1_000));
    let components = Components::default().with_clock(clock.clone());
    let from = MemoryConfig::new().open_with(&components);
    let to = MemoryConfig::new().open_with(&components);
    block_on(from.put("a", "1")).unwrap();
    if let Some(expires) = expires {
        block_on(from.put_for("b", "1", expires)).unwrap();
    }
    copy(&from, &to, CopyStart::Empty).unwrap();
    block_on(to.put("a", "2")).unwrap();
    let source = block_on(CopySource::of_snapshot(&from)).unwrap();
    let mut readings = 0;
    let verified = block_on(source.verify(&to, |_| {
        readings += 1;
        clock.advance(Duration::from_hours(1));
        Ok(())
    }));
    refused(verified, ErrorKind::Corrupt, "somebody wrote to it");
    readings
}

#[test]
fn a_difference_that_no_expiry_explains_is_told_after_one_reading() {
    assert_eq!(readings_of_a_damaged_copy(None), 2);
    let in_a_year = Duration::from_hours(365 * 24);
    assert_eq!(readings_of_a_damaged_copy(Some(in_a_year)), 4);
}

#[test]
fn a_difference_is_told_once_no_entry_expires_between_the_readings() {
    // `b` is gone in the second reading, and left out from then on.
    assert_eq!(
        readings_of_a_damaged_copy(Some(Duration::from_secs(7_000))),
        5
    );
}

#[test]
fn a_finished_copy_is_resumed_to_the_same_and_nothing_is_written() {
    let (from, to) = (filled(), memory());
    copy(&from, &to, CopyStart::Empty).unwrap();
    verify(&from, &to).unwrap();
    let last = to.sequence();
    let report = copy(&from, &to, CopyStart::Resume).unwrap();
    assert_eq!(report.unchanged.entries, 2_505);
    assert_eq!((report.written.entries, report.removed), (0, 0));
    assert_eq!(to.sequence(), last);
    verify(&from, &to).unwrap();
    block_on(from.put("more", "")).unwrap();
    let words = "one of the two has changed since";
    refused(
        copy(&from, &to, CopyStart::Resume),
        ErrorKind::Invalid,
        words,
    );
}
