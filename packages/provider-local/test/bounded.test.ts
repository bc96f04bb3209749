import nodeCrypto from 'node:crypto';
import { expect } from 'chai';
import forge from 'node-forge';
import sinon from 'sinon';
import {
  type Asn1,
  derBytes,
  explicit,
  integer,
  itemsOf,
  nullValue,
  objectIdentifier,
  octetString,
  parseDer,
  sequence,
} from '#dist/cipher/engines/forge/der.js';
import { DerivationBudget } from '#dist/key-files/derivation.js';
import { readKeyMaterial } from '#dist/key-files/index.js';
import { OID, unsigned } from './key-files/support.js';
import { fixture, rejection } from './support.js';

// Shown by counting derivations, not by a clock.
describe('Files that ask for too much work', () => {
  afterEach(() => sinon.restore());

  const rejectionOf = async (file: string | Uint8Array) => {
    const derivations = [
      sinon.spy(nodeCrypto, 'pbkdf2'),
      sinon.spy(nodeCrypto, 'scrypt'),
      sinon.spy(nodeCrypto, 'hash'),
    ];
    const error = await rejection(readKeyMaterial(file, { passphrase: 'any' }));
    expect(error.message.length).to.be.lessThan(300);
    const made = derivations.reduce((count, spy) => count + spy.callCount, 0);
    sinon.restore();
    return { message: error.message, derivations: made };
  };

  const pbes2 = (iterations: number) => {
    const kdf = sequence(octetString(Buffer.from('salt')), integer(iterations));
    const parameters = sequence(
      sequence(objectIdentifier(OID.PBKDF2), kdf),
      sequence(objectIdentifier(OID['aes256-CBC']), octetString(new Uint8Array(16))),
    );
    return sequence(objectIdentifier(OID.PBES2), parameters);
  };

  it('an encrypted PKCS#8 file: rejected before the passphrase is derived once', async () => {
    const file = derBytes(sequence(pbes2(10_000_001), octetString(new Uint8Array(32))));
    const { message, derivations } = await rejectionOf(file);
    expect(message).to.contain('more than 10000000 iterations');
    expect(derivations).to.equal(0);
  });

  const scryptOf = (N: number | bigint, r: number, p: number) => {
    const kdf = sequence(octetString(Buffer.from('salt')), unsigned(N), unsigned(r), unsigned(p));
    const parameters = sequence(
      sequence(objectIdentifier(OID.scrypt), kdf),
      sequence(objectIdentifier(OID['aes256-CBC']), octetString(new Uint8Array(16))),
    );
    const algorithm = sequence(objectIdentifier(OID.PBES2), parameters);
    return derBytes(sequence(algorithm, octetString(new Uint8Array(32))));
  };

  for (const [what, N, r, p, problem] of [
    ['too much time', 2 ** 20, 8, 1, 'more than 4194304 iterations of scrypt'],
    ['too much time in all', 2 ** 14, 8, 33, 'more than 4194304 iterations of scrypt'],
    ['a number without end', 2n ** 4000n, 1, 1, 'more than 4194304 iterations of scrypt'],
    ['too much memory', 2 ** 22, 1, 1, 'more than 256 MiB'],
    ['a cost that is not a power of two', 1000, 8, 1, 'is damaged'],
    ['no cost', 1, 8, 1, 'is damaged'],
    ['no block size', 2, 0, 1, 'is damaged'],
    ['a cost too large for its block size', 2 ** 16, 1, 1, 'is damaged'],
  ] as const) {
    it(`an encrypted PKCS#8 file that asks scrypt for ${what}`, async () => {
      const { message, derivations } = await rejectionOf(scryptOf(N, r, p));
      expect(message).to.contain(problem);
      expect(derivations).to.equal(0);
    });
  }

  it('a key length that multiplies the iterations', async () => {
    const kdf = sequence(octetString(Buffer.from('salt')), integer(1_000_000), integer(1_000_000));
    const mac = sequence(
      objectIdentifier('1.2.840.113549.1.5.14'),
      sequence(
        sequence(objectIdentifier(OID.PBKDF2), kdf),
        sequence(objectIdentifier('1.2.840.113549.2.9')),
      ),
    );
    const [version, authSafe] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1, Asn1];
    const macData = sequence(
      sequence(mac, octetString(new Uint8Array(32))),
      octetString(new Uint8Array(8)),
    );
    const { message, derivations } = await rejectionOf(
      derBytes(sequence(version, authSafe, macData)),
    );
    expect(message).to.contain('is damaged');
    expect(derivations).to.equal(0);
  });

  it('a PKCS#12 file of many parts, each of which could ask for a derivation', async () => {
    const [version] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1];
    const data = (contents: Asn1) =>
      sequence(objectIdentifier(OID.data), explicit(0, octetString(derBytes(contents))));
    const implicit = forge.asn1.create(
      forge.asn1.Class.CONTEXT_SPECIFIC,
      0 as forge.asn1.Type,
      false,
      '\0'.repeat(32),
    );
    const encrypted = (iterations: number) =>
      sequence(
        objectIdentifier(OID.encryptedData),
        explicit(
          0,
          sequence(integer(0), sequence(objectIdentifier(OID.data), pbes2(iterations), implicit)),
        ),
      );
    const many = Array.from({ length: 100 }, () => encrypted(1));
    const { message, derivations } = await rejectionOf(
      derBytes(sequence(version, data(sequence(...many)))),
    );
    expect(message).to.contain('is damaged');
    expect(derivations).to.equal(0);
  });

  it('parts of one file that are each within the limit, but not together', () => {
    const budget = new DerivationBudget();
    expect(budget.take('PKCS#12', 1_500_000)).to.equal(1_500_000);
    expect(() => budget.take('PKCS#12', 1_500_000)).to.throw('more than 2000000');
    expect(budget.take('PKCS#12', 500_000)).to.equal(500_000);
    expect(budget.take('PBKDF2', 10_000_000)).to.equal(10_000_000);
    expect(() => budget.take('PBKDF2', 1)).to.throw('more than 10000000');
  });

  it('a salt, a passphrase or a list of a megabyte: rejected as damaged or wrong', async () => {
    const long = new Uint8Array(900_000);
    const scheme = (oid: string, salt: Uint8Array) =>
      derBytes(
        sequence(
          sequence(objectIdentifier(oid), sequence(octetString(salt), integer(1))),
          octetString(new Uint8Array(16)),
        ),
      );
    const [version] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1];
    const data = (contents: Uint8Array) =>
      sequence(objectIdentifier(OID.data), explicit(0, octetString(contents)));
    const { Class, Type } = forge.asn1;
    const nulls = Array.from({ length: 400_000 }, () => nullValue());
    const list = forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, nulls);
    const bags = derBytes(sequence(data(derBytes(list))));
    const none = derBytes(sequence());
    const sha256 = sequence(
      sequence(objectIdentifier(OID.sha256)),
      octetString(new Uint8Array(32)),
    );
    const mac = sequence(sha256, octetString(long), integer(1));
    const [PBES1, PKCS12] = ['1.2.840.113549.1.5.3', '1.2.840.113549.1.12.1.3'];
    const oldPem = [
      '-----BEGIN RSA PRIVATE KEY-----',
      'Proc-Type: 4,ENCRYPTED',
      `DEK-Info: AES-128-CBC,${'00'.repeat(16)}`,
      '',
      'AAAA',
      '-----END RSA PRIVATE KEY-----',
    ].join('\n');
    const passphrase = 'a'.repeat(400_000);
    for (const [file, given] of [
      [scheme(PBES1, long), 'any'],
      [scheme(PKCS12, long), 'any'],
      [scheme(PBES1, new Uint8Array(8)), passphrase],
      [scheme(PKCS12, new Uint8Array(8)), passphrase],
      [oldPem, passphrase],
      [derBytes(sequence(version, data(bags))), undefined],
      [derBytes(sequence(version, data(none), mac)), 'any'],
    ] as const) {
      const error = await rejection(readKeyMaterial(file, { passphrase: given }));
      expect(error.code).to.equal('INVALID_INPUT');
    }
  });

  it('an object identifier, an integer or a string of a megabyte: no message repeats it', async () => {
    const long = '\x81'.repeat(900_000);
    const oid = forge.asn1.create(
      forge.asn1.Class.UNIVERSAL,
      forge.asn1.Type.OID,
      false,
      `${long}\x01`,
    );
    for (const file of [
      derBytes(sequence(sequence(oid), octetString(new Uint8Array()))),
      derBytes(sequence(integer(0), sequence(oid), octetString(new Uint8Array()))),
      `-----BEGIN ${'A'.repeat(900_000)} PRIVATE KEY-----\nAAAA\n-----END ${'A'.repeat(900_000)} PRIVATE KEY-----\n`,
    ]) {
      expect((await rejectionOf(file)).derivations).to.equal(0);
    }
  });
});
