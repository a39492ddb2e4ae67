//! Where passwords come from.

use std::{env, path::Path};

use storage_core::{
    Error, ErrorKind, Result,
    networked::{Secret, read_private_file},
};

/// The places that a configuration names, of which one may be.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    /// What the settings begin with, such as `sentinel_`.
    pub(crate) prefix: &'static str,
    pub(crate) password: Option<&'a Secret>,
    pub(crate) variable: Option<&'a str>,
    pub(crate) file: Option<&'a Path>,
}

impl Places<'_> {
    /// The password, if a place is named.
    ///
    /// # Errors
    /// `Invalid` if there are several places, or nothing is there; `Denied` for a
    /// file that others may read; as reading files.
    pub(crate) fn find(&self) -> Result<Option<Secret>> {
        let prefix = self.prefix;
        match (self.password, self.variable, self.file) {
            (password, None, None) => Ok(password.cloned()),
            (None, Some(variable), None) => match env::var(variable) {
                Ok(password) => Ok(Some(Secret::new(password))),
                Err(error) => Err(invalid(format!(
                    "{prefix}password_env is {variable}, which cannot be used: {error}"
                ))),
            },
            (None, None, Some(file)) => {
                let text = read_private_file(file)?;
                match text.lines().next().filter(|line| !line.is_empty()) {
                    Some(password) => Ok(Some(Secret::new(password))),
                    None => Err(invalid(format!(
                        "{prefix}password_file is {}, whose first line is empty",
                        file.display()
                    ))),
                }
            }
            _ => Err(invalid(format!(
                "{prefix}password, {prefix}password_env and {prefix}password_file exclude each other"
            ))),
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use std::{fs, fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_password_comes_from_one_place() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        let secret = Secret::new("x");
        let with = |password, variable, file| {
            let places = Places {
                prefix: "sentinel_",
                password,
                variable,
                file,
            };
            places.find()
        };
        assert_eq!(with(None, None, None).unwrap(), None);
        let found = with(Some(&secret), None, None).unwrap();
        assert_eq!(found, Some(Secret::new("x")));
        let missing = with(None, Some("STORAGE_NO_SUCH_VARIABLE"), None).unwrap_err();
        assert!(
            missing.message().starts_with("sentinel_password_env"),
            "{missing}"
        );
        with(Some(&secret), Some("PATH"), None).unwrap_err();

        let from_file = || with(None, None, Some(&file));
        from_file().unwrap_err();
        for (text, mode, kind) in [
            ("first\nsecond\n", 0o600, None),
            ("first\n", 0o640, Some(ErrorKind::Denied)),
            ("\nsecond\n", 0o600, Some(ErrorKind::Invalid)),
        ] {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            match from_file() {
                Ok(found) => assert_eq!((found, kind), (Some(Secret::new("first")), None)),
                Err(error) => assert_eq!(Some(error.kind()), kind, "{error}"),
            }
        }
    }
}
