//! Which test a case runs in.

/// Where a test is: its name, by which its program finds it again.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    path: &'static str,
}

impl Site {
    /// The test at `path`, which is `module_path!()`, `::` and the name of its
    /// function.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self { path }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_knows_the_names_of_its_case_and_of_its_test() {
        let site = Site::new("on_disk::fjall::a_file_is_no_store");
        assert_eq!(site.case(), "a_file_is_no_store");
        assert_eq!(site.test(), "fjall::a_file_is_no_store");
    }
}
