//! Seals and opens messages with the AWS Encryption SDK for Rust. See README.md.
use aws_esdk::material_providers::client::Client as Providers;
use aws_esdk::material_providers::types::keyring::KeyringRef;
use aws_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_esdk::material_providers::types::EsdkAlgorithmSuiteId::{self, *};
use aws_esdk::material_providers::types::EsdkCommitmentPolicy::{self, *};
use aws_esdk::material_providers::types::PaddingScheme;
use aws_esdk::{AwsEncryptionSdkConfig, Client};
use serde::Deserialize;
use std::collections::HashMap;
use std::error::Error;
use std::io::{stdin, BufRead};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Deserialize)]
#[serde(untagged)]
enum Key {
    Kms {
        kms: String,
    },
    RawRsa {
        namespace: String,
        name: String,
        hash: String,
        public_key: Option<String>,
        private_key: Option<String>,
    },
}

#[derive(Deserialize)]
struct Request {
    suite: u16,
    keys: Vec<Key>,
    context: HashMap<String, String>,
    frame_length: i64,
    from: String,
    to: String,
}

struct Program {
    kms_client: aws_sdk_kms::Client,
    providers: Providers,
}

impl Program {
    async fn keyring_of(&self, key: &Key) -> Result<KeyringRef> {
        Ok(match key {
            Key::Kms { kms } => {
                self.providers
                    .create_aws_kms_keyring()
                    .kms_client(self.kms_client.clone())
                    .kms_key_id(kms)
                    .send()
                    .await?
            }
            Key::RawRsa { namespace, name, hash, public_key, private_key } => {
                let padding = match hash.as_str() {
                    "SHA1" => PaddingScheme::OaepSha1Mgf1,
                    _ => PaddingScheme::OaepSha256Mgf1,
                };
                self.providers
                    .create_raw_rsa_keyring()
                    .key_namespace(namespace)
                    .key_name(name)
                    .padding_scheme(padding)
                    .set_public_key(public_key.as_deref().map(blob))
                    .set_private_key(private_key.as_deref().map(blob))
                    .send()
                    .await?
            }
        })
    }

    async fn keyring_for(&self, keys: &[Key]) -> Result<KeyringRef> {
        let mut keyrings = Vec::new();
        for key in keys {
            keyrings.push(self.keyring_of(key).await?);
        }
        let first = keyrings.remove(0);
        if keyrings.is_empty() {
            return Ok(first);
        }
        let keyring = self.providers.create_multi_keyring().generator(first);
        Ok(keyring.child_keyrings(keyrings).send().await?)
    }

    async fn seal(&self, request: &Request) -> Result<()> {
        let suite = suite_of(request.suite)?;
        let policy = match suite {
            AlgAes256GcmHkdfSha512CommitKey | AlgAes256GcmHkdfSha512CommitKeyEcdsaP384 => {
                RequireEncryptRequireDecrypt
            }
            _ => ForbidEncryptAllowDecrypt,
        };
        let output = client_for(policy)?
            .encrypt()
            .plaintext(std::fs::read(&request.from)?)
            .algorithm_suite_id(suite)
            .encryption_context(request.context.clone())
            .frame_length(request.frame_length)
            .keyring(self.keyring_for(&request.keys).await?)
            .send()
            .await?;
        Ok(std::fs::write(&request.to, output.ciphertext.ok_or("no ciphertext")?)?)
    }

    async fn open(&self, request: &Request) -> Result<()> {
        let output = client_for(RequireEncryptAllowDecrypt)?
            .decrypt()
            .ciphertext(std::fs::read(&request.from)?)
            .keyring(self.keyring_for(&request.keys).await?)
            .send()
            .await?;
        let context = output.encryption_context.ok_or("no context")?;
        for (name, value) in &request.context {
            if context.get(name) != Some(value) {
                return Err(format!("the pair {name} is missing").into());
            }
        }
        Ok(std::fs::write(&request.to, output.plaintext.ok_or("no plaintext")?)?)
    }

    async fn run(&self, line: &str) -> Result<()> {
        let (operation, text) = line.split_once(' ').ok_or("no request")?;
        let request: Request = serde_json::from_str(text)?;
        match operation {
            "seal" => self.seal(&request).await,
            _ => self.open(&request).await,
        }
    }
}

fn blob(text: &str) -> aws_smithy_types::Blob {
    aws_smithy_types::Blob::new(text)
}

fn client_for(policy: EsdkCommitmentPolicy) -> Result<Client> {
    let config = AwsEncryptionSdkConfig::builder().commitment_policy(policy).build()?;
    Ok(Client::from_conf(config)?)
}

fn suite_of(id: u16) -> Result<EsdkAlgorithmSuiteId> {
    Ok(match id {
        0x0578 => AlgAes256GcmHkdfSha512CommitKeyEcdsaP384,
        0x0478 => AlgAes256GcmHkdfSha512CommitKey,
        0x0378 => AlgAes256GcmIv12Tag16HkdfSha384EcdsaP384,
        0x0346 => AlgAes192GcmIv12Tag16HkdfSha384EcdsaP384,
        0x0214 => AlgAes128GcmIv12Tag16HkdfSha256EcdsaP256,
        0x0178 => AlgAes256GcmIv12Tag16HkdfSha256,
        0x0114 => AlgAes128GcmIv12Tag16HkdfSha256,
        _ => return Err("unknown suite".into()),
    })
}

#[tokio::main]
async fn main() -> Result<()> {
    let configuration = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let kms_configuration = aws_sdk_kms::config::Builder::from(&configuration)
        .endpoint_url(std::env::var("KMS_ENDPOINT")?)
        .build();
    let program = Program {
        kms_client: aws_sdk_kms::Client::from_conf(kms_configuration),
        providers: Providers::from_conf(MaterialProvidersConfig::builder().build()?)?,
    };
    for line in stdin().lock().lines() {
        match program.run(&line?).await {
            Ok(()) => println!("ok "),
            Err(error) => println!("error {}", format!("{error:?}").replace('\n', " ")),
        }
    }
    Ok(())
}
