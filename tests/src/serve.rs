//! Serves HTTP on a free port of this machine, on a thread of its own, since each test has its own runtime.

use std::net::TcpListener;

use anyhow::Result;
use axum::Router;
use tokio::sync::oneshot;

/// Stops a server when dropped.
#[derive(Debug)]
pub struct Stop {
    _sender: oneshot::Sender<()>,
}

/// Starts a server. Answers its URL.
///
/// # Errors
/// When no port is free.
pub fn serve(routes: Router) -> Result<(String, Stop)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let (sender, stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            tokio::select! {
                _ = async { axum::serve(listener, routes).await } => (),
                _ = stopped => (),
            }
        });
    });
    Ok((url, Stop { _sender: sender }))
}
