import { InvalidInputError } from '@keywrap/core';

const KEYTOOL = 'keytool -importkeystore -srckeystore FILE -destkeystore NEW -deststoretype PKCS12';

/** Unsupported formats, each with the command that converts it to a supported one. */
const CONVERSIONS = {
  'an OpenSSH private key': 'ssh-keygen -p -m PKCS8 -f COPY_OF_FILE',
  'an SSH public key': 'ssh-keygen -e -m PKCS8 -f FILE > NEW',
  'a PuTTY private key': 'puttygen FILE -O private-openssh -o NEW',
  'a Java keystore (JKS)': `${KEYTOOL} -srcstoretype JKS`,
  'a Java keystore (JCEKS)': `${KEYTOOL} -srcstoretype JCEKS`,
  'a Bouncy Castle keystore (BCFKS)': `${KEYTOOL} -srcstoretype BCFKS -providerpath BC_JAR -provider org.bouncycastle.jce.provider.BouncyCastleProvider`,
  'a PGP key': 'gpg --export-secret-keys KEY_ID | openpgp2ssh KEY_ID > NEW', // of Monkeysphere
  'a PGP message': 'gpg --decrypt --output NEW FILE',
  'a file encrypted with age': 'age --decrypt --identity IDENTITY --output NEW FILE',
  'an age identity, which is an X25519 key; RSA and EC keys are supported':
    'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out NEW',
  'a JSON Web Key':
    "node -p \"require('crypto').createPrivateKey({ key: JSON.parse(fs.readFileSync('FILE')), format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' })\" > NEW",
  'a certificate request': 'openssl req -pubkey -noout -in FILE -out NEW',
  'a list of certificates (PKCS#7)': 'openssl pkcs7 -print_certs -in FILE -out NEW',
  'a path, and not what the file holds': "await readFile(path), of 'node:fs/promises'",
  'an RSA-PSS key, which is for signatures only': 'openssl rsa -traditional -in FILE -out NEW',
  'an RSA key of more than two primes, which AWS KMS does not take either':
    'openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out NEW',
  'a key that spells out its curve, which must be one with a name':
    'openssl ec -param_enc named_curve -in FILE -out NEW',
} as const;

type OtherFormat = keyof typeof CONVERSIONS;

/** Recognises formats that are not DER, as text or as a binary string. */
const LOOKS: readonly (readonly [RegExp, OtherFormat])[] = [
  [/-----BEGIN OPENSSH PRIVATE KEY-----/, 'an OpenSSH private key'],
  [/^(?:ssh-[a-z\d]+|ecdsa-sha2-\S+) AAAA|^---- BEGIN SSH2 PUBLIC KEY/, 'an SSH public key'],
  [/^PuTTY-User-Key-File-/, 'a PuTTY private key'],
  [/^\xfe\xed\xfe\xed/, 'a Java keystore (JKS)'],
  [/^\xce\xce\xce\xce/, 'a Java keystore (JCEKS)'],
  [/-----BEGIN PGP MESSAGE-----/, 'a PGP message'],
  // RFC 9580 §4.2 and §5.5: a secret or public key packet with its length, its version a small number
  [
    /-----BEGIN PGP |^(?:[\x95\x99]..|[\xc5\xc6](?:[^\xc0-\xff]|[\xc0-\xdf].))[^\t-\xff]/s,
    'a PGP key',
  ],
  [/^age-encryption\.org\/|-----BEGIN AGE ENCRYPTED FILE-----/, 'a file encrypted with age'],
  [/^AGE-SECRET-KEY-1/m, 'an age identity, which is an X25519 key; RSA and EC keys are supported'],
  [/^\{[\s\S]*"(?:kty|keys)"\s*:/, 'a JSON Web Key'],
  [/-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/, 'a certificate request'],
  [/-----BEGIN (?:PKCS7|CMS)-----/, 'a list of certificates (PKCS#7)'],
  [
    /^(?:file:\/\/|~?[/\\]|\.{1,2}[/\\]|[a-z]:\\)[^\n]*$|^[^\n]*\.(?:pem|key|der|p12|pfx|p8|crt|cer|jks)$/i,
    'a path, and not what the file holds',
  ],
];

/** Makes the error for an unsupported format. It names the format, and says how to convert it. */
export function otherFormat(name: OtherFormat): InvalidInputError {
  return new InvalidInputError('keyMaterial', `is ${name}; convert it with: ${CONVERSIONS[name]}`);
}

/** Recognises unsupported formats of text, or of bytes that are not DER. @throws InvalidInputError for `keyMaterial` */
export function assertNoOtherFormat(text: string): void {
  const found = LOOKS.find(([look]) => look.test(text));
  if (found !== undefined) throw otherFormat(found[1]);
}
