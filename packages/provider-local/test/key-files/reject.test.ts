import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import {
  type Asn1,
  derBytes,
  explicit,
  explicitOf,
  itemsOf,
  objectIdentifier,
  octetString,
  octetsOf,
  parseDer,
  sequence,
} from '#dist/cipher/engines/forge/der.js';
import { fixture, PASSPHRASE, rejection } from './support.js';

describe('Passphrases', () => {
  const encrypted = [
    'rsa-2048-legacy.pem',
    'p256-legacy.pem',
    'rsa-2048-pbes1.pem',
    'p256-pbes2-sha1.pem',
    'rsa-2048.p12',
    'rsa-2048-legacy.p12',
    'p256.p12',
  ];
  for (const file of encrypted) {
    it(`${file}: asks for one that is missing, and rejects a wrong one without repeating it`, async () => {
      expect(await rejection(fixture(file), 'passphrase')).to.contain('missing');
      for (const wrong of ['', 'wrong-battery', `${PASSPHRASE} `]) {
        const message = await rejection(fixture(file), 'passphrase', wrong);
        expect(message).to.contain('wrong, or the key is damaged');
        expect(message).not.to.contain('battery');
      }
    });
  }

  it('never reports a wrong passphrase as damage, whatever it decrypts to', async () => {
    const file = fixture('p256-legacy.pem'); // cheap to try: about 1 of 256 passes the padding check
    for (let i = 0; i < 600; i++) await rejection(file, 'passphrase', `wrong ${i}`);
  });
});

describe('Keys that are not supported', () => {
  it('RSA of an unsupported size: names it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const expected = 'keyMaterial is an RSA key of 1024 bits; 2048, 3072 and 4096 are supported';
    expect(await rejection(privateKey.export({ type: 'pkcs8', format: 'pem' }))).to.equal(expected);
    expect(await rejection(publicKey.export({ type: 'spki', format: 'der' }))).to.equal(expected);
  });

  it('other algorithms: names the object identifier', async () => {
    expect(await rejection(fixture('ed25519.pem'))).to.contain('is a key for 1.3.101.112');
  });

  it('other curves, and curves that are spelled out', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp224r1' });
    expect(await rejection(privateKey.export({ type: 'sec1', format: 'pem' }))).to.contain(
      'P-256, P-384, P-521 or secp256k1',
    );
    expect(await rejection(fixture('p256-explicit.pem'))).to.contain(
      'openssl ec -param_enc named_curve',
    );
  });

  it('encryption that is not supported: names the object identifier', async () => {
    const camellia = objectIdentifier('1.2.392.200011.61.1.1.1.4');
    const file = derBytes(sequence(sequence(camellia), octetString(new Uint8Array(16))));
    expect(await rejection(file, 'keyMaterial', PASSPHRASE)).to.contain(
      'is protected with 1.2.392.200011.61.1.1.1.4',
    );
  });

  it('RSA of three primes, and an RSA-PSS key, in PKCS#12 too', async () => {
    for (const suffix of ['pem', 'p12']) {
      const threePrime = fixture(`three-prime-2048.${suffix}`);
      expect(await rejection(threePrime, 'keyMaterial', PASSPHRASE)).to.contain('than two primes');
      const pss = fixture(`rsa-pss.${suffix}`);
      expect(await rejection(pss, 'keyMaterial', PASSPHRASE)).to.contain('is an RSA-PSS key');
    }
  });
});

describe('More than one key, or none', () => {
  it('PEM with two private keys', async () => {
    const two = Buffer.concat([fixture('rsa-2048.pem'), fixture('p256-sec1.pem')]);
    expect(await rejection(two)).to.equal('keyMaterial holds more than one key');
  });

  it('PKCS#12 with two private keys', async () => {
    const [version, authSafe] = itemsOf(parseDer(fixture('rsa-2048-plain.p12'))) as [Asn1, Asn1];
    const [type, content] = itemsOf(authSafe) as [Asn1, Asn1];
    const [safe] = itemsOf(parseDer(octetsOf(explicitOf(content, 0)))) as [Asn1];
    const twice = explicit(0, octetString(derBytes(sequence(safe, safe))));
    expect(await rejection(derBytes(sequence(version, sequence(type, twice))))).to.contain(
      'more than one private key',
    );
  });

  it('PKCS#12 with only a certificate', async () => {
    expect(await rejection(fixture('certificate-only.p12'), 'keyMaterial', PASSPHRASE)).to.equal(
      'keyMaterial holds no private key',
    );
  });

  it('PEM of something else, and text that is not PEM', async () => {
    for (const text of [
      '',
      'hello',
      '-----BEGIN CATS-----\nAAAA\n-----END CATS-----\n',
      '-----BEGIN ',
    ]) {
      await rejection(text);
    }
  });
});
