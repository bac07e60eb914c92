//! What a target sends on an idle connection. Must not send anything.

use crate::failure::Failure;
use crate::http::ExchangeError;

use super::user::User;

impl User {
    /// Why a connection that has ended was not closed in order: the target has sent on it what nobody asked for. That
    /// must not pass, and the answer it follows is counted already; so the request that would be next fails, unsent.
    pub(super) fn unasked(&mut self, target: usize) -> Option<ExchangeError> {
        let what = self.connections[target].as_ref()?.unasked()?;
        self.connections[target] = None;
        let message = match self.asked_by[target] {
            Some(row) => {
                let row = &self.local.shared.plan.series[row.0 as usize].name;
                format!("not sent: the target has sent {what} after its answer to `{row}` on this connection")
            }
            None => format!("not sent: the target has sent {what} before it was asked anything"),
        };
        Some(ExchangeError::new(Failure::Protocol, message))
    }
}
