//! One connection through a proxy.

use std::{io, sync::Arc};

use tokio::{net::TcpStream, sync::watch};

use super::{
    Direction,
    faults::{Faults, Traffic},
    progress::Progress,
    pump::pump,
};

/// Forwards between a client and the server until one of them ends or all
/// connections are cut.
pub(super) async fn serve(
    client: TcpStream,
    faults: watch::Receiver<Faults>,
    progress: Arc<Progress>,
) {
    let cuts = faults.borrow().cuts;
    let _open = progress.open(cuts);
    let mut streams = (client, None);
    let is_over = tokio::select! {
        biased;
        () = over(faults.clone(), cuts) => true,
        forwarded = forward(&mut streams, &faults, cuts) => forwarded.is_err(),
    };
    let is_silent = faults.borrow().traffic == Traffic::Swallowed;
    if is_silent {
        // The end of one end does not reach the other either.
        over(faults, cuts).await;
    }
    if is_over || is_silent {
        let (client, server) = streams;
        reset(client);
        if let Some(server) = server {
            reset(server);
        }
    }
}

/// Returns when all connections are cut, or the proxy is gone.
async fn over(mut faults: watch::Receiver<Faults>, cuts: u64) {
    // An error says as much.
    let _ = faults.wait_for(|faults| faults.cuts != cuts).await;
}

async fn forward(
    (client, server): &mut (TcpStream, Option<TcpStream>),
    faults: &watch::Receiver<Faults>,
    cuts: u64,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let target = {
        // A silent network brings no connection to the server either.
        let mut faults = faults.clone();
        let passing = faults.wait_for(|faults| faults.traffic == Traffic::Forwarded);
        passing.await.map_err(io::Error::other)?.target
    };
    let server = server.insert(TcpStream::connect(target).await?);
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::try_join!(
        pump(from_client, to_server, Direction::ToServer, faults, cuts),
        pump(from_server, to_client, Direction::ToClient, faults, cuts),
    )?;
    Ok(())
}

/// Ends a connection so that its other end sees an error, not an end.
#[expect(clippy::needless_pass_by_value, reason = "the stream ends here")]
fn reset(stream: TcpStream) {
    // If it fails, the connection is gone already.
    let _ = stream.set_zero_linger();
}
