//! A client connects: it is let in or refused, and told the settings.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures::{Sink, SinkExt};
use pgwire::api::auth::sasl::{SASLState, SCRAM_SHA_256_METHOD};
use pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
    save_startup_parameters_to_metadata,
};
use pgwire::api::{
    ClientInfo, METADATA_APPLICATION_NAME, METADATA_USER, PgWireConnectionState,
    PidSecretKeyGenerator, RandomPidSecretKeyGenerator,
};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::startup::{Authentication as Message, PasswordMessageFamily};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};

use super::connection::{Connection, Registered};
use super::settings::Settings;
use crate::config::Authentication;
use crate::failure::{fatal, sqlstate};

static KEYS: LazyLock<RandomPidSecretKeyGenerator> = LazyLock::new(Default::default);

#[async_trait]
impl StartupHandler for Connection {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match message {
            PgWireFrontendMessage::Startup(startup) => {
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                if self.needs_password(client)? {
                    return ask_for_password(client).await;
                }
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => {
                if !self.check_password(client, message).await? {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
        self.admit(client)?;
        let settings = self.begin_session(client);
        finish_authentication(client, &Told(settings)).await
    }
}

/// Tells the client how passwords are checked.
async fn ask_for_password<C>(client: &mut C) -> PgWireResult<()>
where
    C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    client.set_state(PgWireConnectionState::AuthenticationInProgress);
    let methods = Message::SASL(vec![SCRAM_SHA_256_METHOD.to_owned()]);
    client.send(PgWireBackendMessage::Authentication(methods)).await?;
    Ok(())
}

impl Connection {
    /// Whether the client has to give a password; an error if it is not let in at all.
    fn needs_password<C: ClientInfo>(&self, client: &C) -> PgWireResult<bool> {
        if self.shared.authentication == Authentication::TrustAll {
            return Ok(false);
        }
        let users = self.session.engine.users();
        let users = users.map_err(|error| refused(sqlstate::IO_ERROR, error.to_string()))?;
        let address = client.socket_addr().ip();
        if users.is_empty() && !address.to_canonical().is_loopback() {
            let message = format!(
                "there are no users yet, so only clients on this machine are let in, and {address} is not"
            );
            return Err(refused("28000", message));
        }
        Ok(!users.is_empty())
    }

    /// Takes the next message of the exchange that proves a password; whether it is proved.
    async fn check_password<C>(
        &self,
        client: &mut C,
        message: PasswordMessageFamily,
    ) -> PgWireResult<bool>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut state = self.sasl.lock().await;
        let message = match *state {
            SASLState::Initial => {
                let first = message.into_sasl_initial_response()?;
                if first.auth_method != SCRAM_SHA_256_METHOD {
                    return Err(PgWireError::UnsupportedSASLAuthMethod(first.auth_method));
                }
                *state = SASLState::ScramClientFirstReceived;
                PasswordMessageFamily::SASLInitialResponse(first)
            }
            _ => PasswordMessageFamily::SASLResponse(message.into_sasl_response()?),
        };
        let answer = self.shared.scram.process_scram_message(client, message, &state).await;
        let (answer, next) = answer.map_err(|error| wrong_password(client, error))?;
        client.send(PgWireBackendMessage::Authentication(answer)).await?;
        *state = next;
        Ok(matches!(*state, SASLState::Finished))
    }

    /// Gives the client a place and the key by which it cancels statements.
    fn admit<C: ClientInfo>(&self, client: &mut C) -> PgWireResult<()> {
        let place = self.shared.places.clone().try_acquire_owned();
        let place = place.map_err(|_| {
            refused(
                sqlstate::TOO_MANY_CONNECTIONS,
                "there are as many connections as are allowed".into(),
            )
        })?;
        let (process_id, key) = KEYS.generate(client);
        client.set_pid_and_secret_key(process_id, key.clone());
        let (handle, guard) = self.shared.running.register(process_id, key);
        let parameters = client.metadata();
        let given = |name: &str| parameters.get(name).map_or("", String::as_str);
        let (user, application) = (given(METADATA_USER), given(METADATA_APPLICATION_NAME));
        let address = client.socket_addr();
        let listed = self.shared.sessions.enter(process_id, user, application, address);
        let secure = client.is_secure();
        let registered = Registered { handle, listed, secure, _guard: guard, _place: place };
        self.registered.send_replace(Some(Arc::new(registered)));
        Ok(())
    }

    fn begin_session<C: ClientInfo>(&self, client: &C) -> Settings {
        let parameters = client.metadata();
        let user = parameters.get(METADATA_USER).map_or("", String::as_str);
        let given = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let given = given.chain([("session_authorization", user)]);
        let settings = Settings::at_startup(given);
        let (process_id, _) = client.pid_and_secret_key();
        self.session.begin(user, process_id, settings.clone());
        settings
    }
}

/// The same message for a wrong password and for a user that does not exist.
fn wrong_password<C: ClientInfo>(client: &C, error: PgWireError) -> PgWireError {
    let PgWireError::InvalidPassword(_) = error else { return error };
    let user = client.metadata().get(METADATA_USER).map_or("", String::as_str);
    refused("28P01", format!("the password of user {user} is wrong, or there is no such user"))
}

fn refused(sqlstate: &str, message: String) -> PgWireError {
    PgWireError::UserError(Box::new(fatal(sqlstate, message)))
}

/// The settings that a client is told as it connects.
struct Told(Settings);

impl ServerParameterProvider for Told {
    fn server_parameters<C: ClientInfo>(&self, _: &C) -> Option<HashMap<String, String>> {
        Some(self.0.reported().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
