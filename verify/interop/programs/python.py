# The examples of the AWS documentation for Python, and what the cross cases need. See README.md.
import base64
import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

kms_client = boto3.client('kms', endpoint_url=os.environ['KMS_ENDPOINT'])


def encrypt():
    # Replace the following example key ARN with any valid key identifier
    key_id = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    plaintext = b'\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00'

    response = kms_client.encrypt(
        KeyId=key_id,
        Plaintext=plaintext
    )

    ciphertext = response['CiphertextBlob']
    return ciphertext


def decrypt(text):
    # Replace the following example key ARN with any valid key identifier
    key_id = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    ciphertext = base64.b64decode(text)

    response = kms_client.decrypt(
        CiphertextBlob=ciphertext,
        KeyId=key_id
    )

    plaintext = response['Plaintext']
    return plaintext


def re_encrypt(text):
    ciphertext = base64.b64decode(text)

    # Replace the following example key ARNs with valid key identifiers
    source_key_id = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    destination_key_id = 'arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321'

    response = kms_client.re_encrypt(
        CiphertextBlob=ciphertext,
        SourceKeyId=source_key_id,
        DestinationKeyId=destination_key_id
    )

    destination_ciphertext_blob = response['CiphertextBlob']
    return destination_ciphertext_blob


def encrypt_with_context(key_id, plaintext, context):
    return kms_client.encrypt(
        KeyId=key_id,
        Plaintext=base64.b64decode(plaintext),
        EncryptionContext=json.loads(context)
    )['CiphertextBlob']


def decrypt_with_context(key_id, ciphertext, context):
    return kms_client.decrypt(
        KeyId=key_id,
        CiphertextBlob=base64.b64decode(ciphertext),
        EncryptionContext=json.loads(context)
    )['Plaintext']


def encrypt_with_algorithm(key_id, plaintext, algorithm):
    return kms_client.encrypt(
        KeyId=key_id,
        Plaintext=base64.b64decode(plaintext),
        EncryptionAlgorithm=algorithm
    )['CiphertextBlob']


def decrypt_with_algorithm(key_id, ciphertext, algorithm):
    return kms_client.decrypt(
        KeyId=key_id,
        CiphertextBlob=base64.b64decode(ciphertext),
        EncryptionAlgorithm=algorithm
    )['Plaintext']


def get_public_key(key_id):
    return kms_client.get_public_key(KeyId=key_id)['PublicKey']


OPERATIONS = {
    'encrypt': encrypt,
    'decrypt': decrypt,
    're-encrypt': re_encrypt,
    'encrypt-with-context': encrypt_with_context,
    'decrypt-with-context': decrypt_with_context,
    'encrypt-with-algorithm': encrypt_with_algorithm,
    'decrypt-with-algorithm': decrypt_with_algorithm,
    'get-public-key': get_public_key,
}

for line in sys.stdin:
    operation, *arguments = line.rstrip('\n').split(' ')
    try:
        print('ok', base64.b64encode(OPERATIONS[operation](*arguments)).decode(), flush=True)
    except ClientError as error:
        print('error', error.response['Error']['Code'], flush=True)
    except Exception as error:
        print('error', *str(error).splitlines()[:1], flush=True)
