//! Whether there are credentials: asked once at open, on its own. The first request
//! of a store would ask too, but its failure would be taken for the store's.

use std::{borrow::Cow, fmt, sync::Arc};

use futures_util::future::BoxFuture;
use http::StatusCode;
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
        } = self;
        if is_unwell || (is_nobody_there && found.is_some()) {
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
    /// take for requests without a signature, which `skip` asks for, as `object_store`
    /// writes it.
    pub(crate) fn unless_skipped<C: Send + Sync + 'static>(
        skip: Option<&str>,
        provider: &Arc<dyn CredentialProvider<Credential = C>>,
        sought: Sought,
    ) -> Option<Self> {
        if skip == Some("true") {
            return None;
        }
        let provider = Arc::clone(provider);
        Some(Self {
            look: Box::pin(async move { provider.get_credential().await.map(drop) }),
            sought,
        })
    }

    /// Looks, until `deadline`.
    ///
    /// # Errors
    /// `Denied` if there are none, with all places where they were looked for;
    /// `Unavailable` if whoever gives them cannot be asked at the moment.
    pub(crate) async fn take(self, deadline: Instant) -> Result<()> {
        let Self { look, sought } = self;
        match Call::default().watch(timeout_at(deadline, look)).await {
            (Ok(Ok(())), _) => Ok(()),
            (Ok(Err(error)), seen) => Err(sought.failure(&seen).with_source(error)),
            (Err(late), seen) => Err(sought.failure(&seen).with_source(late)),
        }
    }
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
    fn each_place_where_none_were_found_is_named() {
        let sought = Sought::at_last_from("THE MACHINE")
            .then_in("ONE", [Some(()), None])
            .then_in("TWO", [None::<()>]);
        let error = sought.failure(&Seen::Unconnected);
        let told = "none in ONE, TWO, and none from THE MACHINE";
        assert!(error.message().contains(told), "{error}");
    }
}
