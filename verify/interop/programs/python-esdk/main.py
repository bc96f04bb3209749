# Seals and opens messages with the AWS Encryption SDK for Python. See README.md.
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsKeyringInput,
    CreateMultiKeyringInput,
    CreateRawRsaKeyringInput,
)
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.identifiers import AlgorithmSuite

kms_client = boto3.client('kms', endpoint_url=os.environ['KMS_ENDPOINT'])
providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())

COMMITS = (0x0478, 0x0578)
LARGE = 1 << 20


def keyring_of(key):
    if 'kms' in key:
        return providers.create_aws_kms_keyring(
            CreateAwsKmsKeyringInput(kms_key_id=key['kms'], kms_client=kms_client)
        )
    pem = {name: key[name].encode() for name in ('private_key', 'public_key') if name in key}
    return providers.create_raw_rsa_keyring(
        CreateRawRsaKeyringInput(
            key_namespace=key['namespace'],
            key_name=key['name'],
            padding_scheme=f"OAEP_{key['hash']}_MGF1",
            **pem
        )
    )


def keyring_for(keys):
    first, *others = map(keyring_of, keys)
    if not others:
        return first
    return providers.create_multi_keyring(
        CreateMultiKeyringInput(generator=first, child_keyrings=others)
    )


def run(mode, request, policy, **options):
    """Uses the call for a whole message, or streams a large one."""
    client = aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy)
    options['keyring'] = keyring_for(request['keys'])
    with open(request['from'], 'rb') as source, open(request['to'], 'wb') as target:
        if os.path.getsize(request['from']) <= LARGE:
            call = client.encrypt if mode == 'e' else client.decrypt
            result, header = call(source=source.read(), **options)
            target.write(result)
            return header
        with client.stream(mode=mode, source=source, **options) as stream:
            shutil.copyfileobj(stream, target, LARGE)
            return stream.header


def seal(request):
    policy = (
        CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
        if request['suite'] in COMMITS
        else CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
    )
    run(
        'e',
        request,
        policy,
        algorithm=AlgorithmSuite.get_by_id(request['suite']),
        encryption_context=request['context'],
        frame_length=request['frame_length'],
    )


def open_message(request):
    header = run('d', request, CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)
    for name, value in request['context'].items():
        if header.encryption_context.get(name) != value:
            raise ValueError(f'the pair {name} is missing')


OPERATIONS = {'seal': seal, 'open': open_message}

for line in sys.stdin:
    operation, request = line.rstrip('\n').split(' ', 1)
    try:
        OPERATIONS[operation](json.loads(request))
        print('ok ', flush=True)
    except Exception as error:
        print('error', *(f'{type(error).__name__}: {error}').splitlines()[:1], flush=True)
