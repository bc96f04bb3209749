import { createPrivateKey } from 'node:crypto';
import { openKeyWrapProvider } from '@keywrap/core';
import {
  type LocalKeyWrapOptions,
  LocalKeyWrapProvider,
  localScheme,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import { makeMaterial, parseMaterial, selectEngine } from '@keywrap/provider-local/driver';
import type { ChangeNames, Transaction } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { shownOf, shows } from './leaks.js';
import { ALL, ENGINES, fixture, open, PASSPHRASE, randomBytes, rejection } from './support.js';

const RSA = fixture('rsa-2048.pem');
const RSA_DER = new Uint8Array(createPrivateKey(RSA).export({ format: 'der', type: 'pkcs8' }));
// Of the DER only what is secret: the modulus before it is public.
const RSA_SECRET = RSA_DER.subarray(320);
const WRONG_PASSPHRASE = 'incorrect-mule';

describe('The search for leaks', () => {
  const secret = randomBytes(40);

  for (const [how, text] of [
    ['bytes that are printed', shownOf(secret)],
    ['bytes somewhere inside', shownOf({ deep: [{ down: new Map([['key', secret]]) }] })],
    ['bytes as JSON', JSON.stringify({ secret })],
    ['hex', Buffer.from(secret.subarray(3, 20)).toString('hex')],
    ['base64', `x${Buffer.from(secret).toString('base64')}`],
    ['base64 that begins one byte later', Buffer.from(secret.subarray(1)).toString('base64')],
    ['base64url', Buffer.from(secret).toString('base64url')],
    ['the message of a cause', shownOf(new Error('', { cause: new Error(secret.join(', ')) }))],
    ['a property of an error', shownOf(Object.assign(new Error(), { secret }))],
  ] as const) {
    it(`finds ${how}`, () => {
      expect(shows(text, secret)).to.equal(true);
    });
  }

  it('finds text', () => {
    expect(shows('wrong passphrase: incorrect-mule', WRONG_PASSPHRASE)).to.equal(true);
  });

  it('finds nothing where there is nothing', () => {
    expect(shows(shownOf({ other: randomBytes(4096) }), secret)).to.equal(false);
  });
});

for (const engine of ENGINES) {
  describe(`Key material of a provider with the ${engine} engine`, () => {
    const symmetric = randomBytes(32);
    const options = (): LocalKeyWrapOptions => ({
      engine,
      keys: [
        { keyId: 'alias/aes', keyMaterial: symmetric },
        {
          keyId: 'alias/rsa',
          keySpec: 'RSA_2048',
          keyMaterial: RSA_DER,
        },
        {
          keyId: 'alias/locked',
          keySpec: 'RSA_2048',
          keyMaterial: fixture('rsa-2048-pbes1.pem'),
          passphrase: PASSPHRASE,
        },
      ],
    });
    const secrets = [symmetric, RSA_SECRET, PASSPHRASE];
    const useAll = async (provider: LocalKeyWrapProvider) => {
      const plaintext = randomBytes(32);
      const { ciphertext } = await provider.encrypt({ keyId: 'alias/aes', plaintext });
      await provider.decrypt({ ciphertext });
      const rsa = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' } as const;
      const sealed = await provider.encrypt({ ...rsa, plaintext });
      await provider.decryptAsymmetric({ ...rsa, ciphertext: sealed.ciphertext });
    };

    it('is not shown by the provider, before or after its use', async () => {
      const provider = new LocalKeyWrapProvider(options());
      for (const use of [async () => {}, useAll]) {
        await use(provider);
        const shown = shownOf(provider);
        for (const secret of secrets) expect(shows(shown, secret)).to.equal(false);
      }
    });

    it('is not shown by the store in memory', async () => {
      const store = new MemoryKeyStore();
      await useAll(new LocalKeyWrapProvider({ ...options(), store }));
      expect(await store.listKeys(ALL)).to.have.length(3);
      const shown = shownOf(store);
      for (const secret of secrets) expect(shows(shown, secret)).to.equal(false);
    });

    it('is not shown by the records that a store returns, nor by copies of them', async () => {
      const store = new MemoryKeyStore();
      const provider = new LocalKeyWrapProvider({ ...options(), store });
      await useAll(provider);
      const records = await store.listKeys(ALL);
      const copies = records.map(({ versions, ...key }) => ({
        ...key,
        versions: versions.map((version) => ({ ...version })),
      }));
      for (const shown of [records, records[0], copies].map(shownOf)) {
        for (const secret of secrets) expect(shows(shown, secret)).to.equal(false);
      }
    });

    it('is not shown by the results of KeyManager', async () => {
      const provider = new LocalKeyWrapProvider(options());
      const shown = shownOf([
        await provider.listKeys(),
        await provider.listAliases(),
        await provider.createKey(),
        await provider.disableKey({ keyId: 'alias/rsa' }),
      ]);
      for (const secret of secrets) expect(shows(shown, secret)).to.equal(false);
    });

    it('is zeros when the provider is closed, every version of it', async () => {
      const materials = await materialsOf(async () => {
        const provider = new LocalKeyWrapProvider(options());
        await useAll(provider);
        const { keyId } = await provider.createKey();
        await provider.rotateKey({ keyId });
        await provider.close();
      });
      expect(materials.size).to.equal(5);
      for (const bytes of materials) {
        expect(bytes.every((byte) => byte === 0)).to.equal(true);
      }
    });

    it('is wiped in the copy of the options, not in what was passed in', async () => {
      const provider = new LocalKeyWrapProvider({
        keys: [{ keyId: 'alias/aes', keyMaterial: symmetric }],
      });
      await provider.listKeys();
      const before = symmetric.slice();
      const wiped = await wipedDuring(() => provider.close());
      const copies = wiped.filter((bytes) => Buffer.compare(bytes, before) === 0);
      expect(copies).to.have.length(2); // that of the options and that of the store
      expect(symmetric).to.deep.equal(before);
    });

    it('stays in a store that was passed in when the provider is closed', async () => {
      const store = new MemoryKeyStore();
      const keys = [{ keyId: 'alias/aes', keyMaterial: symmetric }];
      const first = new LocalKeyWrapProvider({ engine, store, keys });
      const { ciphertext } = await first.encrypt({ keyId: 'alias/aes', plaintext: symmetric });
      await first.close();
      expect((await store.listKeys(ALL))[0]?.versions[0]?.material?.bytes).to.deep.equal(symmetric);
      const second = new LocalKeyWrapProvider({ engine, store });
      expect((await second.decrypt({ ciphertext })).plaintext).to.deep.equal(symmetric);
      await store.close();
      expect((await rejection(store.listKeys(ALL))).code).to.equal('CLOSED');
    });

    it('that is not used is wiped when two providers create the same key at once', async () => {
      const store = new MemoryKeyStore();
      const keys = [{ keyId: 'aes', keyMaterial: symmetric }];
      const wiped = await wipedDuring(async () => {
        const providers = [1, 2].map(() => new LocalKeyWrapProvider({ engine, store, keys }));
        await Promise.all(providers.map((provider) => provider.listKeys()));
      });
      const copies = wiped.filter((bytes) => Buffer.compare(bytes, symmetric) === 0);
      expect(copies).to.have.length(2); // what came too late, and what the key was compared with
      expect((await store.listKeys(ALL))[0]?.versions[0]?.material?.bytes).to.deep.equal(symmetric);
    });

    it('that no key has is wiped: imported again, or rejected', async () => {
      const { provider } = open({ engine });
      const { keyId } = await provider.createKey({ origin: 'EXTERNAL' });
      await provider.importKeyMaterial({ keyId, keyMaterial: symmetric });
      const other = randomBytes(32);
      const wiped = await wipedDuring(async () => {
        await provider.importKeyMaterial({ keyId, keyMaterial: symmetric });
        await rejection(provider.importKeyMaterial({ keyId, keyMaterial: other }));
      });
      for (const secret of [symmetric, other]) {
        const copies = wiped.filter((bytes) => Buffer.compare(bytes, secret) === 0);
        expect(copies).to.have.length(2); // that of the request and that which was offered
      }
    });
  });
}

describe('No error shows a secret', () => {
  const plaintext = randomBytes(32);
  const keyMaterial = randomBytes(32);
  const context = { order: '7' };
  const rsa = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' } as const;

  /** A provider with keys of all kinds and states, and what they encrypted. */
  async function prepare(engine: (typeof ENGINES)[number]) {
    const provider = new LocalKeyWrapProvider({
      engine,
      keys: [
        { keyId: 'alias/aes', keyMaterial },
        { keyId: rsa.keyId, keySpec: 'RSA_2048', keyMaterial: RSA },
        'alias/other',
        'alias/off',
        { keyId: 'alias/mac', keySpec: 'HMAC_256' },
      ],
    });
    const encrypt = (keyId: string) =>
      provider.encrypt({ keyId, plaintext, encryptionContext: context });
    const blob = (await encrypt('alias/aes')).ciphertext;
    const fromOff = (await encrypt('alias/off')).ciphertext;
    await provider.disableKey({ keyId: 'alias/off' });
    const underRsa = (await provider.encrypt({ ...rsa, plaintext })).ciphertext;
    const pending = await provider.createKey({ keySpec: 'RSA_2048', origin: 'EXTERNAL' });
    const waiting = await provider.createKey({ origin: 'EXTERNAL' });
    return { provider, blob, fromOff, underRsa, pending, waiting };
  }

  const flipped = (bytes: Uint8Array, index: number) =>
    bytes.with(index, (bytes[index] as number) ^ 1);

  const ENCRYPTED = [
    'rsa-2048-pbes1.pem',
    'rsa-2048-legacy.pem',
    'rsa-2048.p12',
    'rsa-2048-legacy.p12',
  ];

  for (const engine of ENGINES) {
    it(`of operations with the ${engine} engine`, async () => {
      const { provider, blob, fromOff, underRsa } = await prepare(engine);
      const aes = { keyId: 'alias/aes', encryptionContext: context };
      const calls = [
        () => provider.encrypt({ keyId: 'alias/nobody', plaintext }),
        () => provider.encrypt({ keyId: 'alias/off', plaintext }),
        () => provider.encrypt({ keyId: 'alias/mac', plaintext }),
        () => provider.encrypt({ keyId: rsa.keyId, plaintext }),
        () => provider.encrypt({ ...rsa, keyId: 'alias/aes', plaintext }),
        () => provider.encrypt({ ...rsa, plaintext: Buffer.concat([...Array(6)].fill(plaintext)) }),
        () =>
          provider.encrypt({ ...aes, plaintext: Buffer.concat([...Array(129)].fill(plaintext)) }),
        () => provider.encrypt({ ...aes, plaintext: plaintext.join() as never }),
        () => provider.encrypt({ ...aes, plaintext, secret: plaintext } as never),
        () => provider.decrypt({ ciphertext: blob }),
        () => provider.decrypt({ ...aes, ciphertext: flipped(blob, blob.length - 1) }),
        () => provider.decrypt({ ...aes, ciphertext: flipped(blob, 50) }),
        () => provider.decrypt({ ...aes, ciphertext: blob.subarray(0, 40) }),
        () => provider.decrypt({ keyId: 'alias/other', ciphertext: blob }),
        () => provider.decrypt({ ciphertext: fromOff, encryptionContext: context }),
        () => provider.decrypt({ keyId: rsa.keyId, ciphertext: blob }),
        () => provider.decrypt({ ...aes, ciphertext: underRsa }),
        () => provider.decryptAsymmetric({ ...rsa, ciphertext: flipped(underRsa, 200) }),
        () => provider.decryptAsymmetric({ ...rsa, ciphertext: underRsa.subarray(1) }),
        () => provider.decryptAsymmetric({ ...rsa, ciphertext: blob }),
        () =>
          provider.decryptAsymmetric({
            keyId: rsa.keyId,
            algorithm: 'RSAES_OAEP_SHA_1',
            ciphertext: underRsa,
          }),
        () =>
          provider.reEncrypt({
            ciphertext: blob,
            source: aes,
            destination: { keyId: 'alias/off' },
          }),
        () => provider.reEncrypt({ ciphertext: blob, destination: { keyId: 'alias/other' } }),
        () => provider.generateDataKey({ keyId: 'alias/off', keySpec: 'AES_256' }),
        () => provider.generateDataKeyPair({ keyId: 'alias/mac', keyPairSpec: 'ECC_NIST_P256' }),
        () => provider.getPublicKey({ keyId: 'alias/aes' }),
      ];
      const secrets = [plaintext, keyMaterial, RSA_SECRET, blob.subarray(45), underRsa];
      for (const call of calls) {
        const shown = shownOf(await rejection(call()));
        for (const secret of secrets) {
          expect(shows(shown, secret), `${call}: ${shown}`).to.equal(false);
        }
      }
    });
  }

  it('of importing and exporting key material', async () => {
    const { provider, pending, waiting } = await prepare('node');
    const { keyId } = pending;
    const pem = RSA.toString();
    const calls = [
      ...ENCRYPTED.flatMap((name) =>
        [undefined, '', WRONG_PASSPHRASE].map(
          (passphrase) => () =>
            provider.importKeyMaterial({ keyId, keyMaterial: fixture(name), passphrase }),
        ),
      ),
      // PEM that is cut off, misses its end, has a foreign character, is labelled wrongly, is text.
      ...[
        pem.slice(0, pem.length / 2),
        pem.replace('-----END', '-----STOP'),
        pem.replace('M', '\u2603'),
        pem.replaceAll('RSA PRIVATE', 'DSA PARAMETERS'),
        pem.replaceAll('-----', ''),
        pem.slice(0, 800) + pem.slice(804),
        pem + pem,
      ].map((text) => () => provider.importKeyMaterial({ keyId, keyMaterial: text })),
      ...[1, 4, 30, 600, 1000, RSA_DER.length - 1].map(
        (length) => () =>
          provider.importKeyMaterial({ keyId, keyMaterial: RSA_DER.slice(0, length) }),
      ),
      ...[0, 4, 30, 500, 1000].map(
        (index) => () =>
          provider.importKeyMaterial({ keyId, keyMaterial: flipped(RSA_DER, index) }),
      ),
      () => provider.importKeyMaterial({ keyId: waiting.keyId, keyMaterial: RSA_DER }),
      () => provider.importKeyMaterial({ keyId: waiting.keyId, keyMaterial: RSA }),
      () => provider.importKeyMaterial({ keyId: 'alias/aes', keyMaterial: randomBytes(32) }),
      () => provider.importKeyMaterial({ keyId: 'alias/other', keyMaterial }),
      () =>
        provider.importKeyMaterial({
          keyId: waiting.keyId,
          keyMaterial,
          passphrase: WRONG_PASSPHRASE,
        }),
      () =>
        provider.exportKeyMaterial({
          keyId: 'alias/aes',
          format: 'raw',
          passphrase: WRONG_PASSPHRASE,
        }),
      () => provider.exportKeyMaterial({ keyId: 'alias/aes', format: 'pkcs8-pem' }),
      () =>
        provider.exportKeyMaterial({
          keyId: 'alias/rsa',
          format: 'pkcs8-pem',
          passphrase: WRONG_PASSPHRASE,
        }),
      () => provider.exportKeyMaterial({ keyId: 'alias/rsa', format: 'raw' }),
      () => provider.exportKeyMaterial({ keyId, format: 'pkcs8-pem' }),
    ];
    const secrets = [RSA_SECRET, keyMaterial, PASSPHRASE, WRONG_PASSPHRASE];
    for (const call of calls) {
      const shown = shownOf(await rejection(call()));
      for (const secret of secrets) expect(shows(shown, secret), shown).to.equal(false);
    }
  });

  it('of the options, when they are read and when they are used', async () => {
    const locked = fixture('rsa-2048-pbes1.pem');
    const wrong: LocalKeyWrapOptions[] = [
      {
        keys: [
          { keyId: 'a', keySpec: 'RSA_2048', keyMaterial: locked, passphrase: WRONG_PASSPHRASE },
        ],
      },
      { keys: [{ keyId: 'a', keySpec: 'RSA_3072', keyMaterial: RSA }] },
      { keys: [{ keyId: 'a', keyMaterial: RSA }] },
      { keys: [{ keyId: 'a', keyMaterial: keyMaterial.slice(1) }] },
      { keys: [{ keyId: 'a', keyMaterial, passphrase: WRONG_PASSPHRASE }] },
      { keys: [{ keyId: 'a/b', keyMaterial, passphrase: WRONG_PASSPHRASE }] },
      { keys: [{ keyId: 'a', keyMaterial: [...keyMaterial] as never }] },
      { keys: [{ keyId: 'a', keyMaterial, secret: keyMaterial } as never] },
    ];
    for (const options of wrong) {
      const using = async () => new LocalKeyWrapProvider(options).listKeys();
      const shown = shownOf(await rejection(using()));
      for (const secret of [RSA_SECRET, keyMaterial, WRONG_PASSPHRASE]) {
        expect(shows(shown, secret), shown).to.equal(false);
      }
    }
  });

  it('of URLs that contain a password', async () => {
    for (const url of [
      `local://user:${WRONG_PASSPHRASE}@host`,
      `local:${WRONG_PASSPHRASE}`,
      `local:#${WRONG_PASSPHRASE}`,
      `local:?createMissingKeys=${WRONG_PASSPHRASE}`,
      `local:?engine=${WRONG_PASSPHRASE}`,
      `local:?region=${WRONG_PASSPHRASE}`,
    ]) {
      const shown = shownOf(await rejection(openKeyWrapProvider(url, [localScheme])));
      expect(shows(shown, WRONG_PASSPHRASE), shown).to.equal(false);
    }
  });
});

describe('Key material for a custom store', () => {
  it('is not shown by the records that it receives', async () => {
    const made = await makeMaterial(await selectEngine('node'), 'HMAC_512');
    const symmetric = randomBytes(32);
    for (const [material, secret] of [
      [made, made.material.bytes.slice()],
      [await parseMaterial('SYMMETRIC_DEFAULT', symmetric, undefined), symmetric],
      [await parseMaterial('RSA_2048', RSA_DER, undefined), RSA_SECRET],
    ] as const) {
      expect(shows(shownOf(material), secret)).to.equal(false);
    }
  });
});

/** The bytes of all key material that any store in memory was given while this ran. */
async function materialsOf(work: () => Promise<void>): Promise<Set<Uint8Array>> {
  const all = new Set<Uint8Array>();
  const { change } = MemoryKeyStore.prototype;
  MemoryKeyStore.prototype.change = function <Result>(
    this: MemoryKeyStore,
    names: ChangeNames,
    body: (transaction: Transaction) => Result,
  ) {
    return change.call(this, names, (transaction) => {
      const { putKey } = transaction;
      transaction.putKey = (record) => {
        for (const { material } of record.versions) if (material) all.add(material.bytes);
        putKey.call(transaction, record);
      };
      return body(transaction);
    }) as Promise<Result>;
  };
  try {
    await work();
  } finally {
    MemoryKeyStore.prototype.change = change;
  }
  return all;
}

/** Returns the former contents of arrays that were filled with zeros while this ran. */
async function wipedDuring(work: () => Promise<void>): Promise<Uint8Array[]> {
  const wiped: Uint8Array[] = [];
  const { fill } = Uint8Array.prototype;
  Uint8Array.prototype.fill = function (this: Uint8Array, ...args: Parameters<typeof fill>) {
    if (args[0] === 0) wiped.push(this.slice());
    return fill.apply(this, args);
  } as typeof fill;
  try {
    await work();
  } finally {
    Uint8Array.prototype.fill = fill;
  }
  return wiped;
}
