//! What every Lethe function shares, and the story of one regulation.
//!
//! 1. A client posts a [`regulation`]: what to do about up to 5,000 [`subject`]s. It is stored ([`store`]) with
//!    one [`task`] for each [`destination`] in scope, and a state machine ([`workflow`]) begins.
//! 2. The subjects are suppressed: their events are dropped at collection from then on.
//! 3. At each destination they are erased: rows in a [`warehouse`], users of a vendor
//!    ([`destination::cloud`]), and records in an [`archive`], where [`matching`] decides which records are
//!    theirs and [`mod@format`] takes them out of files. Archives are purged in runs that serve all waiting
//!    regulations at once.
//! 4. Each step leaves [`evidence`], which is chained and signed into a [`certificate`]; then the identifiers
//!    are dropped, and only pseudonyms stay.
//!
//! ```text
//! functions ──▶ adapters: admission store secrets workflow queues archive warehouse destination::engine telemetry
//!                   │
//!                   ▼
//!               pure:     regulation batch task status subject evidence certificate destination::cloud matching format
//!                         source person tracking index failure json id part shape
//!                         (no AWS, no HTTP, no clock of their own)
//! ```

#[cfg(all(feature = "store", feature = "workflow"))]
pub mod admission;
pub mod archive;
#[cfg(feature = "aws")]
pub mod aws;
pub mod batch;
#[cfg(feature = "queue")]
pub mod batch_queue;
pub mod certificate;
pub mod destination;
#[cfg(feature = "queue")]
pub mod event_queue;
pub mod evidence;
pub mod failure;
pub mod format;
pub mod id;
pub mod index;
#[cfg(feature = "invoke")]
pub mod invoke;
pub mod json;
pub mod matching;
pub mod part;
pub mod person;
pub mod probe;
pub mod regulation;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(any(feature = "aws", feature = "lambda"))]
pub mod settings;
pub mod shape;
#[cfg(feature = "signing")]
pub mod signing;
pub mod source;
pub mod status;
#[cfg(feature = "store")]
pub mod store;
pub mod subject;
pub mod task;
#[cfg(feature = "lambda")]
pub mod telemetry;
pub mod token;
pub mod tracking;
pub mod warehouse;
#[cfg(feature = "store")]
pub mod work;
#[cfg(feature = "workflow")]
pub mod workflow;
