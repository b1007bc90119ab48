//! Notices that a client has left while its statement runs.
//!
//! A connection reads nothing while it answers, so a client that goes away during a silent push
//! query would never be missed. This watches a second handle of the same socket for the end of what
//! the client sends, without reading any of it.

use std::io;

use tokio::io::Interest;
use tokio::net::TcpStream;

/// Watches one client's socket.
#[derive(Debug)]
pub(crate) struct Hangup {
    socket: TcpStream,
}

impl Hangup {
    /// Watches the client of `socket`, which is handed back.
    pub fn watch(socket: TcpStream) -> io::Result<(TcpStream, Self)> {
        let socket = socket.into_std()?;
        let second = socket.try_clone()?;
        Ok((TcpStream::from_std(socket)?, Self { socket: TcpStream::from_std(second)? }))
    }

    /// Ends when the client has closed its side.
    pub async fn wait(&self) {
        loop {
            match self.socket.ready(Interest::READABLE).await {
                Ok(ready) if ready.is_read_closed() => return,
                Err(_) => return,
                // Something to read, which is for the connection: wait for the next event.
                Ok(_) => self.forget_readiness(),
            }
        }
    }

    /// Writes to the client what fits into the system's buffer. Nobody else may be writing.
    pub fn say(&self, bytes: &[u8]) {
        // A client that cannot be written to has left, or will see that the connection ends.
        let _ = self.socket.try_write(bytes);
    }

    fn forget_readiness(&self) {
        let not_read = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.socket.try_io(Interest::READABLE, not_read);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_client_that_leaves_is_missed_and_what_it_sent_is_left_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut socket, hangup) = Hangup::watch(listener.accept().await.unwrap().0).unwrap();
        client.write_all(b"abc").await.unwrap();
        socket.readable().await.unwrap();
        let wait = hangup.wait();
        tokio::pin!(wait);
        assert!(futures::poll!(&mut wait).is_pending());
        drop(client);
        wait.await;
        let mut sent = Vec::new();
        socket.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, b"abc");
    }
}
