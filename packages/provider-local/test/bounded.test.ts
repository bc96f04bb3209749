import { expect } from 'chai';
import forge from 'node-forge';
import sinon from 'sinon';
import {
  type Asn1,
  derBytes,
  explicit,
  integer,
  itemsOf,
  objectIdentifier,
  octetString,
  parseDer,
  sequence,
} from '#dist/key-material/der.js';
import { readKeyMaterial } from '#dist/key-material/index.js';
import { OID } from '#dist/key-material/object-identifiers.js';
import { IterationBudget } from '#dist/key-material/password-based-encryption.js';
import { fixture, rejection } from './support.js';

// Shown by counting derivations, not by a clock.
describe('Files that ask for more work than any honest one', () => {
  afterEach(() => sinon.restore());

  const refusalOf = async (file: string | Uint8Array) => {
    const derive = sinon.spy(Object.getPrototypeOf(crypto.subtle), 'deriveBits');
    const digests = [sinon.spy(forge.md.sha1, 'create'), sinon.spy(forge.md.sha256, 'create')];
    const error = await rejection(readKeyMaterial(file, { passphrase: 'any' }));
    expect(error.message.length).to.be.lessThan(300);
    const made = digests.reduce((count, spy) => count + spy.callCount, 0);
    sinon.restore();
    return { message: error.message, derivations: derive.callCount + made };
  };

  const pbes2 = (iterations: number) => {
    const kdf = sequence(octetString('salt'), integer(iterations));
    const parameters = sequence(
      sequence(objectIdentifier(OID['id-PBKDF2']), kdf),
      sequence(objectIdentifier(OID['aes256-CBC']), octetString('\0'.repeat(16))),
    );
    return sequence(objectIdentifier(OID['id-PBES2']), parameters);
  };

  it('an encrypted PKCS#8 file: refused before the passphrase is derived once', async () => {
    const file = derBytes(sequence(pbes2(10_000_001), octetString('\0'.repeat(32))));
    const { message, derivations } = await refusalOf(file);
    expect(message).to.contain('more than 10000000 iterations');
    expect(derivations).to.equal(0);
  });

  it('an encrypted PKCS#8 file that asks for scrypt, whatever its cost: scrypt is not read', async () => {
    const { message, derivations } = await refusalOf(fixture('p256-scrypt.pem'));
    expect(message).to.contain('is not supported');
    expect(derivations).to.equal(0);
  });

  it('a PKCS#12 file of many parts, each of which could ask for a derivation', async () => {
    const [version] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1];
    const data = (contents: Asn1) =>
      sequence(
        objectIdentifier(OID['id-data']),
        explicit(0, octetString(String.fromCharCode(...derBytes(contents)))),
      );
    const implicit = forge.asn1.create(
      forge.asn1.Class.CONTEXT_SPECIFIC,
      0 as forge.asn1.Type,
      false,
      '\0'.repeat(32),
    );
    const encrypted = (iterations: number) =>
      sequence(
        objectIdentifier(OID['id-encryptedData']),
        explicit(
          0,
          sequence(
            integer(0),
            sequence(objectIdentifier(OID['id-data']), pbes2(iterations), implicit),
          ),
        ),
      );
    const many = Array.from({ length: 100 }, () => encrypted(1));
    const { message, derivations } = await refusalOf(
      derBytes(sequence(version, data(sequence(...many)))),
    );
    expect(message).to.contain('is damaged');
    expect(derivations).to.equal(0);
  });

  it('parts of one file that each ask for what is allowed, and too much together', () => {
    const budget = new IterationBudget();
    expect(budget.take(integer(1_500_000), 'PKCS#12')).to.equal(1_500_000);
    expect(() => budget.take(integer(1_500_000), 'PKCS#12')).to.throw('more than 2000000');
    expect(budget.take(integer(500_000), 'PKCS#12')).to.equal(500_000);
    expect(budget.take(integer(10_000_000), 'PBKDF2')).to.equal(10_000_000);
    expect(() => budget.take(integer(1), 'PBKDF2')).to.throw('more than 10000000');
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
      derBytes(sequence(sequence(oid), octetString(''))),
      derBytes(sequence(integer(0), sequence(oid), octetString(''))),
      `-----BEGIN ${'A'.repeat(900_000)} PRIVATE KEY-----\nAAAA\n-----END ${'A'.repeat(900_000)} PRIVATE KEY-----\n`,
    ]) {
      expect((await refusalOf(file)).derivations).to.equal(0);
    }
  });
});
