//! Which test a case runs in.

use std::path::{Path, PathBuf};

/// Where a test is: its name, by which its program finds it again, and the
/// directory of its crate.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    path: &'static str,
    crate_directory: &'static str,
}

impl Site {
    /// The test at `path`, which is `module_path!()`, `::` and the name of its
    /// function, in the crate at `crate_directory`, which is
    /// `env!("CARGO_MANIFEST_DIR")`.
    #[must_use]
    pub const fn new(path: &'static str, crate_directory: &'static str) -> Self {
        Self {
            path,
            crate_directory,
        }
    }

    /// The name of the case.
    pub(super) fn case(self) -> &'static str {
        self.path
            .rsplit_once("::")
            .map_or(self.path, |(_, case)| case)
    }

    /// The name that the test program knows the test by.
    pub(super) fn test(self) -> &'static str {
        self.path
            .split_once("::")
            .map_or(self.path, |(_, test)| test)
    }

    /// Where the crate keeps stores that earlier versions made.
    pub(super) fn golden(self) -> PathBuf {
        Path::new(self.crate_directory).join("tests/golden")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_knows_the_names_of_its_case_and_of_its_test() {
        let site = Site::new("on_disk::fjall::a_file_is_no_store", "/crate");
        assert_eq!(site.golden(), Path::new("/crate/tests/golden"));
        assert_eq!(site.case(), "a_file_is_no_store");
        assert_eq!(site.test(), "fjall::a_file_is_no_store");
    }
}
