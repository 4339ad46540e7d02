//! The HTTP client for hosts that a setting names.
//!
//! A deployed stack calls public addresses over TLS and nothing else. Names are checked by the addresses that they
//! resolve to as the connection is made, so that a name which changes its address gains nothing. Redirects are not
//! followed.

use std::net::SocketAddr;
use std::time::Duration;

use destinations::address::is_public;
use model::failure::{Failure, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, redirect};
use url::{Host, Url};

/// A client that waits this long for a reply. `any_endpoint` lets it call any address, as on test stacks.
///
/// # Errors
/// `Permanent`, if TLS cannot be set up.
pub fn client(answer_within: Duration, any_endpoint: bool) -> Result<Client> {
    let mut client = Client::builder().timeout(answer_within).redirect(redirect::Policy::none());
    if !any_endpoint {
        // A proxy would resolve the names itself.
        client = client.https_only(true).no_proxy().dns_resolver(PublicAddresses);
    }
    client.build().map_err(|e| Failure::permanent("the HTTP client cannot start").detail(e))
}

/// Whether a URL is https and its host a name or a public address: addresses bypass the resolver.
pub fn may_be_called(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.scheme() == "https"
            && match url.host() {
                Some(Host::Domain(_)) => true,
                Some(Host::Ipv4(address)) => is_public(address.into()),
                Some(Host::Ipv6(address)) => is_public(address.into()),
                None => false,
            }
    })
}

/// Resolves names to their public addresses.
struct PublicAddresses;

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let all = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = all.filter(|address| is_public(address.ip())).collect();
            match public.is_empty() {
                true => Err("the name has no public address".into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}
