//! One session with a server: a connection, and what is known of its server.

use std::marker::PhantomData;

use deadpool_redis::redis::{
    Cmd, FromRedisValue, Pipeline, RedisResult, Value, aio::MultiplexedConnection, cmd,
    from_redis_value, pipe,
};
use storage_core::networked::Secret;
use tokio::time::{Instant, timeout_at};

use crate::{
    RedisHost,
    failure::Failure,
    info::{Info, Persistence},
};

/// Makes a node of a cluster take the next command, though the slot that it is
/// about is still on its way there.
const ANNOUNCEMENT: &str = "ASKING";

/// A connection, ready for use.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) facts: Facts,
    /// How many commits were sent on it.
    pub(crate) attempts: u64,
    /// Sessions of an older generation than the pool's are not used any more.
    pub(crate) generation: u64,
    pub(crate) used: Instant,
    /// Whether it is with a node that the slot is on its way to, which takes what
    /// is announced to it.
    announces: bool,
    /// A session with the node that the slot of this one's is on its way to.
    pub(crate) taker: Option<Box<Taker>>,
}

/// A session with the node that a slot is on its way to.
#[derive(Debug)]
pub(crate) struct Taker {
    pub(crate) host: RedisHost,
    pub(crate) session: Session,
}

/// Who logs in, and to which database.
///
/// The client could do it by itself, but would tell a server that takes no more
/// connections from a wrong password no better than anything else.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: u32,
}

impl Login {
    /// Logs in with a connection to somebody who keeps no data of ours.
    pub(crate) async fn log_in(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let mut logging_in = pipe();
        self.add(&mut logging_in);
        if logging_in.is_empty() {
            return Ok(());
        }
        logging_in.query_async(connection).await
    }

    pub(crate) fn add(&self, questions: &mut Pipeline) {
        if let Some(password) = &self.password {
            questions.cmd("AUTH");
            if let Some(user) = &self.user {
                questions.arg(user);
            }
            questions.arg(password.reveal());
        }
        if self.database != 0 {
            questions.cmd("SELECT").arg(self.database);
        }
    }
}

/// What is known of a session and of its server.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The number of the connection, which the server gives to no other before it
    /// is started again.
    pub(crate) client: u64,
    pub(crate) info: Info,
    pub(crate) persistence: Persistence,
    /// The store that is there.
    pub(crate) store: StoreFound,
}

/// What a server says of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreFound {
    /// It has this one.
    Here(String),
    /// There is none.
    Nowhere,
    /// Its header is on its way to another node of the cluster, or has got there.
    Moving,
    /// Another node of the cluster has it.
    Elsewhere,
}

impl Session {
    /// Logs in with a new connection, and asks for what is to be known of it.
    /// `meta` is the key of the store's header.
    pub(crate) async fn prepare(
        mut connection: MultiplexedConnection,
        login: &Login,
        meta: &str,
        announces: bool,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let mut questions = pipe();
        login.add(&mut questions);
        let logged_in = questions.len();
        questions.cmd("CLIENT").arg("ID");
        questions.cmd("INFO");
        if announces {
            questions.cmd(ANNOUNCEMENT).ignore();
        }
        questions.cmd("HGET").arg(meta).arg("store");
        for (setting, _) in Persistence::NEEDED {
            questions.cmd("CONFIG").arg("GET").arg(setting);
        }
        questions.ignore_errors();
        let answers: Vec<Value> = within(deadline, questions.query_async(&mut connection)).await?;
        let mut answers = answers.into_iter();
        for answer in answers.by_ref().take(logged_in) {
            answer.extract_error()?;
        }
        Ok(Self {
            connection,
            facts: Facts::of(answers)?,
            attempts: 0,
            generation: 0,
            used: Instant::now(),
            announces,
            taker: None,
        })
    }

    /// The answer to a command.
    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        if !self.announces {
            return command.query_async(&mut self.connection).await;
        }
        let mut announced = pipe();
        announced.cmd(ANNOUNCEMENT).ignore();
        announced.add_command(command.clone()).ignore_errors();
        let (answer,): (Value,) = announced.query_async(&mut self.connection).await?;
        Ok(from_redis_value(answer.extract_error()?)?)
    }
}

impl Session {
    /// Looks once more whether what is written is synced.
    pub(crate) async fn look_at_log(&mut self) -> RedisResult<()> {
        let info: String = self.ask(&cmd("INFO")).await?;
        self.facts.info = Info::parse(&info);
        self.facts.persistence.pending = Persistence::pending(&self.facts.info);
        Ok(())
    }
}

/// Something that is read from a server, and may be asked twice.
pub(crate) trait Question: Sync {
    /// What is answered.
    type Answer: Send;

    /// Asks it.
    fn ask(&self, session: &mut Session) -> impl Future<Output = RedisResult<Self::Answer>> + Send;
}

/// A command that may be given twice.
#[derive(Debug)]
pub(crate) struct Command<T> {
    command: Cmd,
    answer: PhantomData<fn() -> T>,
}

impl<T> Command<T> {
    pub(crate) const fn new(command: Cmd) -> Self {
        Self {
            command,
            answer: PhantomData,
        }
    }
}

impl<T: FromRedisValue + Send> Question for Command<T> {
    type Answer = T;

    async fn ask(&self, session: &mut Session) -> RedisResult<T> {
        session.ask(&self.command).await
    }
}

impl Facts {
    fn of(mut answers: impl Iterator<Item = Value>) -> RedisResult<Self> {
        let mut next = || answers.next().unwrap_or(Value::Nil);
        let client = from_redis_value(next().extract_error()?)?;
        let info: String = from_redis_value(next().extract_error()?)?;
        let info = Info::parse(&info);
        let store = match next().extract_error() {
            Ok(store) => match from_redis_value(store)? {
                Some(store) => StoreFound::Here(store),
                None => StoreFound::Nowhere,
            },
            Err(error) => match error.code() {
                // Not a store's header; opening says so, in more words.
                Some("WRONGTYPE") => StoreFound::Nowhere,
                Some("ASK") => StoreFound::Moving,
                Some("MOVED") => StoreFound::Elsewhere,
                _ => return Err(error),
            },
        };
        let settings = Persistence::NEEDED.map(|_| setting(next()));
        Ok(Self {
            client,
            persistence: Persistence::of(settings, &info),
            info,
            store,
        })
    }

    /// Names the process of the server.
    pub(crate) fn server(&self) -> &str {
        self.info.text("run_id")
    }

    /// Names the log of the server: it has had only this one for as long as it
    /// has followed nobody.
    pub(crate) fn log(&self) -> String {
        format!("{} {}", self.server(), self.info.text("master_replid"))
    }

    /// Names the session, through all restarts of the server.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.server(), self.client)
    }
}

/// The value in the answer to `CONFIG GET`: name and value in turn.
fn setting(answer: Value) -> Option<String> {
    let pair: Vec<String> = from_redis_value(answer.extract_error().ok()?).ok()?;
    pair.into_iter().nth(1)
}

/// The answer of the server, if it comes in time.
pub(crate) async fn within<T>(
    deadline: Instant,
    answer: impl Future<Output = RedisResult<T>>,
) -> Result<T, Failure> {
    match timeout_at(deadline, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::timed_out()),
    }
}
