//! HTTP/1.1 over raw hyper connections that their user owns; each phase timed where it happens. Must not
//! know plans, templates or rows. The only place below the engine that reads a clock.

mod alert;
mod classify;
mod connect;
mod connection;
mod deadline;
mod dial;
mod driver;
mod fault;
mod gate;
mod idle;
#[cfg(target_os = "linux")]
mod ip_option;
mod link;
mod local;
mod location;
mod look_up;
mod paced;
mod peers;
mod permit;
mod resolver;
mod sessions;
mod target;
mod times;
mod tls;
mod tls_failure;
mod trust;
mod turn;
mod wire;

pub use connect::Connector;
pub use connection::{BODY_LIMIT, Connection, ExchangeError, Keep, Reply};
pub use deadline::Deadline;
pub use gate::keep_gate;
pub use location::{Astray, Origin, Place, origin_of, read as read_location, shown as shown_location};
pub use look_up::{Addresses, LookUps};
pub use permit::{AllowedHost, refusal};
pub use sessions::Visitor;
pub use target::{Target, TargetError};
pub use times::{IoTimes, Timing, micros};
pub use tls::{TlsClient, TlsError, TlsSettings, identity_of, roots_of, server_name};
pub use turn::Flooded;
