//! What drives a command: this thread, and one beside it for the sockets and
//! timers of stores across a network.

use tokio::runtime::Builder;

use crate::failure::{Failure, Result};

/// Runs `command` on this thread, which waits for input and embedded stores as
/// it likes: connections go on meanwhile.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("storage-network")
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start a thread for the network", &error))?;
    let result = runtime.block_on(command);
    // The store is closed. What a name server has not answered is not waited for.
    runtime.shutdown_background();
    result
}
