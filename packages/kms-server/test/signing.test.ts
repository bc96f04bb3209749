import { constants, createPublicKey, verify } from 'node:crypto';
import type { KeySpec, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { bytes, newKey, rejection, type Subject, sha, start } from './support.js';

const MESSAGE = bytes('a message');

const RSA: SigningAlgorithmSpec[] = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
];

const ALGORITHMS: Partial<Record<KeySpec, SigningAlgorithmSpec[]>> = {
  RSA_2048: RSA,
  RSA_3072: RSA,
  ECC_NIST_P256: ['ECDSA_SHA_256'],
  ECC_NIST_P384: ['ECDSA_SHA_384'],
  ECC_NIST_P521: ['ECDSA_SHA_512'],
  ECC_SECG_P256K1: ['ECDSA_SHA_256'],
};

describe('Sign, Verify', () => {
  let subject: Subject;
  before(async () => {
    subject = await start();
  });
  after(() => subject[Symbol.asyncDispose]());

  for (const [KeySpec, algorithms] of Object.entries(ALGORITHMS)) {
    it(`signs messages and digests with ${KeySpec}, as OpenSSL verifies them`, async () => {
      const { kms } = subject;
      const KeyId = await newKey(kms, { KeySpec: KeySpec as KeySpec, KeyUsage: 'SIGN_VERIFY' });
      const { PublicKey, SigningAlgorithms } = await kms.getPublicKey({ KeyId });
      expect(SigningAlgorithms).to.have.members(algorithms);
      const der = Buffer.from(PublicKey ?? []);
      for (const SigningAlgorithm of algorithms) {
        const key = {
          key: createPublicKey({ key: der, format: 'der', type: 'spki' }),
          ...(SigningAlgorithm.includes('PSS') && {
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
          }),
        };
        const bits = SigningAlgorithm.slice(-3);
        const forms = [
          { Message: MESSAGE },
          { Message: sha(bits, MESSAGE), MessageType: 'DIGEST' as const },
        ];
        for (const form of forms) {
          const signed = await kms.sign({ KeyId, SigningAlgorithm, ...form });
          expect(signed).to.include({ KeyId, SigningAlgorithm });
          const { Signature = new Uint8Array() } = signed;
          expect(verify(`sha${bits}`, MESSAGE, key, Signature)).to.equal(true);
          for (const verified of forms) {
            const response = await kms.verify({ KeyId, SigningAlgorithm, Signature, ...verified });
            expect(response.SignatureValid).to.equal(true);
          }
          const wrong = { KeyId, SigningAlgorithm, Signature, Message: bytes('another') };
          expect(await rejection(kms.verify(wrong))).to.equal('KMSInvalidSignatureException');
        }
      }
    });
  }

  it('rejects malformed signatures', async () => {
    const { kms } = subject;
    for (const [KeySpec, [SigningAlgorithm]] of Object.entries(ALGORITHMS)) {
      const KeyId = await newKey(kms, { KeySpec: KeySpec as KeySpec, KeyUsage: 'SIGN_VERIFY' });
      for (const length of [1, 64, 70, 256, 384, 6144]) {
        const Signature = new Uint8Array(length).fill(0x5a);
        const request = { KeyId, SigningAlgorithm, Signature, Message: MESSAGE };
        expect(await rejection(kms.verify(request))).to.equal('KMSInvalidSignatureException');
      }
    }
  });

  it('requires digests of the right length, and messages of 1 to 4096 bytes', async () => {
    const KeyId = await newKey(subject.kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const SigningAlgorithm = 'ECDSA_SHA_256';
    const sign = (more: { Message: Uint8Array; MessageType?: 'DIGEST' | 'EXTERNAL_MU' }) =>
      subject.kms.sign({ KeyId, SigningAlgorithm, ...more });
    expect(await rejection(sign({ Message: MESSAGE, MessageType: 'DIGEST' }))).to.equal(
      'ValidationException: Digest is invalid length for algorithm ECDSA_SHA_256.',
    );
    expect(await rejection(sign({ Message: MESSAGE, MessageType: 'EXTERNAL_MU' }))).to.match(
      /^ValidationException/,
    );
    await sign({ Message: new Uint8Array(4096) });
    for (const length of [0, 4097]) {
      expect(await rejection(sign({ Message: new Uint8Array(length) }))).to.match(
        /^ValidationException: 1 validation error detected: Value at 'message'/,
      );
    }
  });

  it('rejects keys that do not sign, and algorithms of other keys', async () => {
    const { kms } = subject;
    const request = { Message: MESSAGE, SigningAlgorithm: 'RSASSA_PSS_SHA_256' } as const;
    const mac = await newKey(kms, { KeySpec: 'HMAC_224', KeyUsage: 'GENERATE_VERIFY_MAC' });
    expect(await rejection(kms.sign({ KeyId: mac, ...request }))).to.equal(
      `InvalidKeyUsageException: ${mac} key usage is GENERATE_VERIFY_MAC which is not valid for Sign.`,
    );
    const ecc = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    expect(await rejection(kms.sign({ KeyId: ecc, ...request }))).to.equal(
      'InvalidKeyUsageException: Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256.',
    );
  });

  it('does nothing with DryRun', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const request = { KeyId, Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    const { Signature } = await kms.sign(request);
    expect(await rejection(kms.sign({ ...request, DryRun: true }))).to.match(/^DryRun/);
    expect(await rejection(kms.verify({ ...request, Signature, DryRun: true }))).to.match(
      /^DryRun/,
    );
  });
});

describe('GenerateMac, VerifyMac', () => {
  let subject: Subject;
  before(async () => {
    subject = await start();
  });
  after(() => subject[Symbol.asyncDispose]());

  it('makes MACs that it verifies', async () => {
    const { kms } = subject;
    for (const bits of [224, 256, 384, 512] as const) {
      const KeySpec = `HMAC_${bits}` as const;
      const KeyId = await newKey(kms, { KeySpec, KeyUsage: 'GENERATE_VERIFY_MAC' });
      const request = { KeyId, Message: MESSAGE, MacAlgorithm: `HMAC_SHA_${bits}` as const };
      const { Mac = new Uint8Array(), ...rest } = await kms.generateMac(request);
      expect(Mac).to.have.length(bits / 8);
      expect(rest).to.include({ KeyId, MacAlgorithm: request.MacAlgorithm });
      const response = await kms.verifyMac({ ...request, Mac });
      expect(response).to.include({ MacValid: true, KeyId });
      for (const wrong of [Mac.map((byte) => byte ^ 1), Mac.slice(1)]) {
        expect(await rejection(kms.verifyMac({ ...request, Mac: wrong }))).to.equal(
          'KMSInvalidMacException',
        );
      }
      expect(await rejection(kms.generateMac({ ...request, DryRun: true }))).to.match(/^DryRun/);
      expect(await rejection(kms.verifyMac({ ...request, Mac, DryRun: true }))).to.match(/^DryRun/);
    }
  });

  it('rejects keys that do not make MACs, and algorithms of other keys', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    const request = { Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_256' } as const;
    expect(await rejection(kms.generateMac({ KeyId, ...request }))).to.equal(
      `InvalidKeyUsageException: ${KeyId} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.`,
    );
    const mac = await newKey(kms, { KeySpec: 'HMAC_224', KeyUsage: 'GENERATE_VERIFY_MAC' });
    expect(await rejection(kms.generateMac({ KeyId: mac, ...request }))).to.equal(
      'InvalidKeyUsageException: Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.',
    );
  });
});
