import { expect } from 'chai';
import { fixture, PASSPHRASE, rejection } from './support.js';

describe('A file in another format', () => {
  const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
  const CASES: readonly (readonly [string, string | Uint8Array, string, string])[] = [
    ['openssh.key', fixture('openssh.key'), 'an OpenSSH private key', 'ssh-keygen -p -m PKCS8'],
    ['openssh.pub', fixture('openssh.pub'), 'an SSH public key', 'ssh-keygen -e -m PKCS8'],
    [
      'putty-private.key',
      fixture('putty-private.key'),
      'a PuTTY private key',
      'puttygen FILE -O private-openssh',
    ],
    ['java.jks', fixture('java.jks'), 'a Java keystore (JKS)', 'keytool -importkeystore'],
    ['java.jceks', fixture('java.jceks'), 'a Java keystore (JCEKS)', '-deststoretype PKCS12'],
    [
      'java.bcfks',
      fixture('java.bcfks'),
      'a Bouncy Castle keystore (BCFKS)',
      '-srcstoretype BCFKS',
    ],
    ['pgp.asc', fixture('pgp.asc'), 'a PGP key', 'openpgp2ssh'],
    ['pgp.gpg', fixture('pgp.gpg'), 'a PGP key', 'openpgp2ssh'],
    ['a PGP message', pem('PGP MESSAGE'), 'a PGP message', 'gpg --decrypt'],
    ['encrypted.age', fixture('encrypted.age'), 'a file encrypted with age', 'age --decrypt'],
    ['age-identity.txt', fixture('age-identity.txt'), 'an age identity', 'openssl genpkey'],
    ['jwk.json', fixture('jwk.json'), 'a JSON Web Key', "format: 'jwk'"],
    [
      'a certificate request',
      pem('CERTIFICATE REQUEST'),
      'a certificate request',
      'openssl req -pubkey',
    ],
    [
      'a list of certificates',
      pem('PKCS7'),
      'a list of certificates',
      'openssl pkcs7 -print_certs',
    ],
    ['an absolute path', '/etc/keys/tls', 'a path', 'readFile(path)'],
    ['a relative path', 'keys/tls.pem', 'a path', 'readFile(path)'],
    ['a path of Windows', 'C:\\keys\\tls.p12', 'a path', 'readFile(path)'],
    ['a file URL', 'file:///etc/keys/tls', 'a path', 'readFile(path)'],
  ];
  for (const [what, data, name, conversion] of CASES) {
    it(`${what}: is named, with a command that converts it`, async () => {
      for (const each of typeof data === 'string' ? [data, Buffer.from(data)] : [data]) {
        const message = await rejection(each, 'keyMaterial', PASSPHRASE);
        expect(message).to.contain(`is ${name}`).and.to.contain(conversion);
        expect(message.length).to.be.lessThan(300);
      }
    });
  }

  for (const name of ['openssh.key', 'putty-private.key', 'java.jks', 'jwk.json']) {
    it(`${name} in base64, as environment variables hold it: is named too`, async () => {
      const message = await rejection(fixture(name).toString('base64'), 'keyMaterial');
      expect(message).to.contain('convert it with');
    });
  }

  it('is never quoted', async () => {
    expect(await rejection('/etc/secret-name.pem')).not.to.contain('secret-name');
  });
});
