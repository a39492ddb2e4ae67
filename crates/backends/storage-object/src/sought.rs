//! Whether there are credentials: asked once at open, on its own. The first request
//! of a store would ask too, but its failure would be taken for the store's.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{StatusCode, Uri};
use object_store::CredentialProvider;
use storage_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, timeout_at};

use crate::{
    failure::RETRY_AFTER,
    transport::{Call, Seen},
};

/// Where a place looks for credentials.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    /// In the order of the search.
    places: Vec<Cow<'static, str>>,
    /// The first of them that has any.
    found: Option<Cow<'static, str>>,
    /// What is asked where none of them has: what the machine is given.
    machine: Cow<'static, str>,
    /// Whether that is where a setting says.
    is_machine_named: bool,
}

/// One look for credentials.
pub(crate) struct CredentialLook {
    look: BoxFuture<'static, object_store::Result<()>>,
    sought: Sought,
}

impl Sought {
    /// Nowhere yet, and at last by asking `machine`.
    pub(crate) fn at_last_from(machine: impl Into<Cow<'static, str>>) -> Self {
        Self {
            places: Vec::new(),
            found: None,
            machine: machine.into(),
            is_machine_named: false,
        }
    }

    /// Nowhere yet, and at last by asking the machine, at the address that is `named`,
    /// or else at the one that all ask.
    pub(crate) fn at_last_from_machine_at(named: Option<&str>, usual: &str) -> Self {
        let asked = named.map_or(Cow::Borrowed(usual), |named| shown(named).into());
        Self {
            is_machine_named: named.is_some(),
            ..Self::at_last_from(format!("the machine, which is asked at {asked}"))
        }
    }

    /// Also in `place`, behind all others so far, which has some if it has all that
    /// is `needed`.
    pub(crate) fn then_in<T, const N: usize>(
        mut self,
        place: impl Into<Cow<'static, str>>,
        needed: [Option<T>; N],
    ) -> Self {
        let place = place.into();
        if self.found.is_none() && needed.into_iter().all(|value| value.is_some()) {
            self.found = Some(place.clone());
        }
        self.places.push(place);
        self
    }

    /// Whether anything is configured that gives credentials.
    fn is_any_named(&self) -> bool {
        self.found.is_some() || self.is_machine_named
    }

    /// Why there are none. A service that gives them to who is configured to ask it
    /// may be well again in a moment. What a machine is given is another matter: most
    /// are given nothing, and there is nobody to ask.
    fn failure(&self, seen: &Seen) -> Error {
        let is_nobody_there = matches!(seen, Seen::Sent | Seen::Unconnected | Seen::Broken);
        let is_unwell = match seen {
            Seen::Refused(refusal) => {
                let status = refusal.status;
                status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        };
        let Self {
            places,
            found,
            machine,
            ..
        } = self;
        if is_unwell || (is_nobody_there && self.is_any_named()) {
            let from = found.as_ref().unwrap_or(machine);
            let told = format!("credentials cannot be had from {from} at the moment");
            return Error::new(ErrorKind::Unavailable, told).with_retry_after(RETRY_AFTER);
        }
        let told = match found {
            Some(found) => format!("no credentials can be had from {found}; check it"),
            None => format!(
                "there are no credentials: none in {}, and none from {machine}; set one of these",
                places.join(", ")
            ),
        };
        Error::new(ErrorKind::Denied, told)
    }
}

impl CredentialLook {
    /// A look by way of `provider`, which looks where `sought` says. There is none to
    /// take for requests without a signature, which `skip` asks for, as the environment
    /// writes it.
    pub(crate) fn unless_skipped<C: Send + Sync + 'static>(
        skip: Option<&str>,
        provider: &Arc<dyn CredentialProvider<Credential = C>>,
        sought: Sought,
    ) -> Option<Self> {
        if skip.is_some_and(is_on) {
            return None;
        }
        let provider = Arc::clone(provider);
        Some(Self {
            look: Box::pin(async move { provider.get_credential().await.map(drop) }),
            sought,
        })
    }

    /// Looks, until `deadline`; where nothing is configured, for no longer than two
    /// connections may take, as most machines have nobody to ask.
    ///
    /// The client `az` of Azure is run while its caller waits, and blocks the thread for
    /// so long: no deadline ends it.
    ///
    /// # Errors
    /// `Denied` if there are none, with all places where they were looked for;
    /// `Unavailable` if whoever gives them cannot be asked at the moment.
    pub(crate) async fn take(self, deadline: Instant, connect_timeout: Duration) -> Result<()> {
        let Self { look, sought } = self;
        let deadline = if sought.is_any_named() {
            deadline
        } else {
            deadline.min(Instant::now() + 2 * connect_timeout)
        };
        match Call::default().watch(timeout_at(deadline, look)).await {
            (Ok(Ok(())), _) => Ok(()),
            (Ok(Err(error)), seen) => Err(sought.failure(&seen).with_source(error)),
            (Err(late), seen) => Err(sought.failure(&seen).with_source(late)),
        }
    }
}

/// Whether a setting is on, by the words that `object_store` takes for it.
pub(crate) fn is_on(value: &str) -> bool {
    let words = ["1", "true", "on", "yes", "y"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// As much of an address as anybody may see: no password, and no path.
fn shown(address: &str) -> String {
    let parsed: Option<Uri> = address.parse().ok();
    let told = parsed.and_then(|uri| {
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let port = authority.port().map(|port| format!(":{port}"));
        let host = authority.host();
        Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
    });
    told.unwrap_or_else(|| "what is no address".into())
}

impl fmt::Debug for CredentialLook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialLook")
            .field("sought", &self.sought)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Refusal;

    fn refused(status: StatusCode) -> Seen {
        Seen::Refused(Refusal {
            status,
            code: String::new(),
            message: String::new(),
            wait: None,
        })
    }

    #[test]
    fn whoever_gives_credentials_may_be_gone_and_a_machine_has_none() {
        let machine = || Sought::at_last_from("THE MACHINE").then_in("VARIABLE", [None::<()>]);
        let service = || {
            machine()
                .then_in("SERVICE", [Some(())])
                .then_in("OTHER", [Some(())])
        };
        for (seen, of_machine, of_service) in [
            (Seen::Nothing, ErrorKind::Denied, ErrorKind::Denied),
            (Seen::Done, ErrorKind::Denied, ErrorKind::Denied),
            (Seen::Sent, ErrorKind::Denied, ErrorKind::Unavailable),
            (Seen::Unconnected, ErrorKind::Denied, ErrorKind::Unavailable),
            (Seen::Broken, ErrorKind::Denied, ErrorKind::Unavailable),
            (
                refused(StatusCode::NOT_FOUND),
                ErrorKind::Denied,
                ErrorKind::Denied,
            ),
            (
                refused(StatusCode::BAD_GATEWAY),
                ErrorKind::Unavailable,
                ErrorKind::Unavailable,
            ),
        ] {
            let error = machine().failure(&seen);
            assert_eq!(error.kind(), of_machine, "{seen:?}");
            assert!(error.message().contains("THE MACHINE"), "{error}");
            let error = service().failure(&seen);
            assert_eq!(error.kind(), of_service, "{seen:?}");
            assert!(error.message().contains("SERVICE"), "{error}");
        }
    }

    #[test]
    fn a_setting_is_on_by_each_word_for_it() {
        for value in ["1", "true", "True", "TRUE", "on", "Yes", "y"] {
            assert!(is_on(value), "{value}");
        }
        for value in ["", "0", "false", "off", "no", "n", "true "] {
            assert!(!is_on(value), "{value}");
        }
    }

    #[tokio::test]
    async fn a_machine_that_nobody_named_is_not_waited_for_as_long_as_one_may_wait() {
        let take = async |sought, limit| {
            let look = CredentialLook {
                look: Box::pin(futures_util::future::pending()),
                sought,
            };
            let taken = look.take(Instant::now() + limit, Duration::from_millis(10));
            tokio::time::timeout(Duration::from_mins(1), taken).await
        };
        let unnamed = Sought::at_last_from_machine_at(None, "http://machine");
        let long = Duration::from_hours(1);
        let denied = take(unnamed, long).await.unwrap().unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::Denied, "{denied}");
        let named = Sought::at_last_from_machine_at(Some("http://machine"), "");
        let begun = Instant::now();
        let limit = Duration::from_millis(200);
        let denied = take(named, limit).await.unwrap().unwrap_err();
        assert!(begun.elapsed() >= limit, "{denied}");
    }

    #[test]
    fn a_machine_that_is_named_and_gone_is_unavailable_and_its_password_is_not_shown() {
        for (named, told) in [
            (
                "http://user:hidden@host:80/hidden?hidden",
                "at http://host:80 ",
            ),
            ("https://[::1]/hidden", "at https://[::1] "),
            ("hidden", "at what is no address "),
        ] {
            let error = Sought::at_last_from_machine_at(Some(named), "http://usual")
                .failure(&Seen::Unconnected);
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(error.message().contains(told), "{error}");
            assert!(!error.message().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn each_place_where_none_were_found_is_named() {
        let sought = Sought::at_last_from("THE MACHINE")
            .then_in("ONE", [Some(()), None])
            .then_in("TWO", [None::<()>]);
        let error = sought.failure(&Seen::Unconnected);
        let told = "none in ONE, TWO, and none from THE MACHINE";
        assert!(error.message().contains(told), "{error}");
    }
}
