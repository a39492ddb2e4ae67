//! Where credentials come from. They are shown nowhere.

use std::{
    env,
    path::{Path, PathBuf},
};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use storage_core::{
    Result,
    networked::{Secret, read_private_file},
};

use crate::{config::invalid, s3::S3Place, sought::Sought};

const PROFILE_DEFAULT: &str = "default";

/// Where machines of Amazon ask for what they are given.
const MACHINE: &str = "http://169.254.169.254";

/// Who asks.
#[derive(Debug)]
pub(crate) enum Credentials {
    Known {
        id: String,
        key: Secret,
        /// Of credentials that last for a while only.
        token: Option<Secret>,
    },
    /// What variables, the container or the machine says, asked for when it is
    /// needed, and again when it has expired.
    OfEnvironment,
}

/// What the configuration says, else the environment, else the file that all
/// clients of S3 look at.
///
/// # Errors
/// `Invalid` for a profile that is named and not there; `Denied` for a file that
/// others may read; what reading it answers.
pub(crate) fn find(place: &S3Place) -> Result<Credentials> {
    if let Some((id, key)) = &place.access_key {
        return Ok(Credentials::Known {
            id: id.clone(),
            key: key.clone(),
            token: None,
        });
    }
    let is_named = place.profile.is_some() || place.credentials_file.is_some();
    if !is_named && env::var_os("AWS_ACCESS_KEY_ID").is_some() {
        return Ok(Credentials::OfEnvironment);
    }
    let profile = profile(place);
    let is_named = is_named || profile.is_some();
    let profile = profile.unwrap_or_else(|| PROFILE_DEFAULT.into());
    match file(place).filter(|file| is_named || file.is_file()) {
        Some(file) => match of_profile(&read_private_file(&file)?, &profile) {
            Some(credentials) => Ok(credentials),
            None if is_named => Err(missing(&file, &profile)),
            None => Ok(Credentials::OfEnvironment),
        },
        None => Ok(Credentials::OfEnvironment),
    }
}

/// Where a client of a place looks for credentials, by what it was made of.
pub(crate) fn sought(place: &S3Place, client: &AmazonS3Builder) -> Sought {
    use AmazonS3ConfigKey as Key;
    let value = |key| client.get_config_value(&key);
    let machine = value(Key::MetadataEndpoint);
    let mut sought = Sought::at_last_from_machine_at(machine.as_deref(), MACHINE)
        .then_in("AWS_ACCESS_KEY_ID", [Key::AccessKeyId].map(value));
    if let Some(file) = file(place) {
        let profile = profile(place).unwrap_or_else(|| PROFILE_DEFAULT.into());
        let place = format!("[{profile}] of {}", file.display());
        // Where it has any, they are the client's own by now.
        sought = sought.then_in(place, [None::<()>]);
    }
    sought
        .then_in(
            "AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN",
            [Key::WebIdentityTokenFile, Key::RoleArn].map(value),
        )
        .then_in(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            [Key::ContainerCredentialsRelativeUri].map(value),
        )
        .then_in(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            [
                Key::ContainerCredentialsFullUri,
                Key::ContainerAuthorizationTokenFile,
            ]
            .map(value),
        )
}

fn profile(place: &S3Place) -> Option<String> {
    let profile = place.profile.clone();
    profile.or_else(|| env::var("AWS_PROFILE").ok())
}

fn file(place: &S3Place) -> Option<PathBuf> {
    place.credentials_file.clone().or_else(default_file)
}

fn default_file() -> Option<PathBuf> {
    let named = env::var_os("AWS_SHARED_CREDENTIALS_FILE").filter(|name| !name.is_empty());
    named
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".aws").join("credentials")))
}

fn missing(file: &Path, profile: &str) -> storage_core::Error {
    invalid(format!(
        "{} has no aws_access_key_id and aws_secret_access_key under [{profile}]",
        file.display()
    ))
}

/// The credentials of a profile in the text of a file
/// (<https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>).
fn of_profile(text: &str, profile: &str) -> Option<Credentials> {
    let (mut id, mut key, mut token) = (None, None, None);
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            is_inside = name.strip_suffix(']').map(str::trim) == Some(profile);
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_inside) else {
            continue;
        };
        let value = value.trim();
        match name.trim() {
            "aws_access_key_id" => id = Some(value.to_owned()),
            "aws_secret_access_key" => key = Some(Secret::new(value)),
            "aws_session_token" => token = Some(Secret::new(value)),
            _ => {}
        }
    }
    Some(Credentials::Known {
        id: id?,
        key: key?,
        token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_what_stands_under_its_name() {
        let text = "[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n# note\n\
                    [ other ]\naws_access_key_id=C\naws_secret_access_key = D=\n\
                    aws_session_token=E\n[half]\naws_access_key_id=F\n";
        let told = |profile| match of_profile(text, profile) {
            Some(Credentials::Known { id, key, token }) => {
                let token = token.map(|token| token.reveal().to_owned());
                Some((id, key.reveal().to_owned(), token))
            }
            _ => None,
        };
        assert_eq!(told("default"), Some(("A".into(), "B".into(), None)));
        assert_eq!(
            told("other"),
            Some(("C".into(), "D=".into(), Some("E".into())))
        );
        assert_eq!(told("half"), None);
        assert_eq!(told("none"), None);
    }

    #[test]
    fn credentials_are_not_shown() {
        let credentials = of_profile(
            "[default]\naws_access_key_id=A\naws_secret_access_key=hidden\naws_session_token=hidden",
            "default",
        );
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
