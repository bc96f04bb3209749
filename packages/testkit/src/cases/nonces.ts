import { type KeyWrapProvider, limitOf } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { invoke, type KeyUse, sealedIn } from '../key-use.js';
import { RSA, SYMMETRIC } from '../needs.js';
import {
  expectEnoughRandomBits,
  expectUniqueNonces,
  expectUnpredictable,
  type Sample,
} from '../nonce-statistics.js';
import { namesOf, sealingUses, useNumbered, usesFor } from '../operations.js';
import { keyOf } from '../round-trip.js';
import { expectAllDifferent, manyOf } from '../statistics.js';
import { withSteadyClock } from '../steady-clock.js';

const nonces = {
  id: 'unique-nonces',
  statement:
    'No nonce is used twice with a key: not after many calls, for equal calls at once, in another operation, under another name, in data keys, or after a restart',
  source: 'NIST SP 800-38D section 8; Böck et al., Nonce-Disrespecting Adversaries (WOOT 2016)',
  power:
    'A nonce that comes again within 500 calls of encrypt is found always by full (within 35,000 by soak; of a counter of 16 bits, too), within 150 of any other call (1,500; 16 and 100 of pairs and RSA); seeds of OAEP that come again within 300 calls (5,000 by soak); random nonces of 16 bits with 99.9 % by full, of 24 bits with 99.9 % by soak; key streams that overlap within 12 plaintexts of the greatest length; a counter of its own for each kind of call, each name of the key or each context always; fewer than 7 random bytes and no counter always, if every position of the ciphertext is as random as it looks. A nonce that is made of a clock or of Math.random alone, one that is a part of another ciphertext, and one that counts in blocks of 16 bytes: always.',
};

/** Every call that encrypts with a symmetric key, and how often it is made in full and in soak. */
const SEALING: readonly (readonly [KeyUse, number, number])[] = [
  [useNumbered('01'), 1000, 70_000],
  ...sealingUses.map((use) => {
    const isSlow = use.operation.includes('Pair') || use.needs.includes('asymmetric');
    return [use, ...(isSlow ? ([32, 200] as const) : ([300, 3000] as const))] as const;
  }),
];

/** Makes the same call many times; what was encrypted is known by decrypting it. */
async function sampled(use: KeyUse, context: CaseContext, count: number): Promise<Sample[]> {
  const keyId = await context.keys.get();
  const input = await use.input(context, { keyId });
  return manyOf(count, async () => {
    const ciphertext = sealedIn(await invoke(context.provider, use, input));
    // All ciphertexts of encrypt and reEncrypt have the same plaintext.
    if (/crypt/i.test(use.operation)) return { plaintext: new Uint8Array(), ciphertext };
    const { plaintext } = await context.provider.decrypt({ keyId, ciphertext });
    return { plaintext, ciphertext };
  });
}

export const nonceCases = [
  ...casesOf(
    nonces,
    [
      ...SEALING.map(
        ([use, full, soak], i): CaseInput => ({
          id: `NON-10${i + 1}`,
          title: `${use.title}: ${full} equal calls (soak: ${soak}), up to 64 at once, use as many nonces`,
          needs: use.needs,
          profile: 'full',
          async run(context) {
            expectUniqueNonces(
              await sampled(use, context, context.profile === 'soak' ? soak : full),
            );
          },
        }),
      ),
      {
        id: 'NON-201',
        title:
          'encrypts one byte with at least 7 random bytes in the nonce, or a counter where that is enough',
        profile: 'full',
        // A counter shows only while no other case makes calls.
        alone: true,
        async run({ provider, keys, secret }) {
          const input = { keyId: await keys.get(), plaintext: new Uint8Array([7]) };
          const made: Uint8Array[] = [];
          while (made.length < 128) made.push((await provider.encrypt(input)).ciphertext);
          expectEnoughRandomBits(made);
          const lengths = await Promise.all(
            [1, 15, 16, 31, 32].map(async (size) => {
              const { ciphertext } = await provider.encrypt({ ...input, plaintext: secret(size) });
              return ciphertext.length - (made[0]?.length ?? 0);
            }),
          );
          // What is padded to whole blocks (RFC 5652 section 6.3).
          if (lengths.join() === '0,0,16,16,32') expectUnpredictable(made);
        },
      },
      {
        id: 'NON-202',
        title: 'encrypts long plaintexts without a block of one key stream in another',
        profile: 'full',
        async run(context) {
          const { provider, keys, secret } = context;
          const keyId = await keys.get();
          const longest = limitOf(provider.capabilities, 'plaintext');
          const samples: Sample[] = [];
          while (samples.length < 12) {
            const plaintext = secret(longest);
            samples.push({
              plaintext,
              ciphertext: (await provider.encrypt({ keyId, plaintext })).ciphertext,
            });
          }
          expectUniqueNonces(samples);
        },
      },
      ...SEALING.map(
        ([use], i): CaseInput => ({
          id: `NON-30${i + 1}`,
          title: `${use.title}: uses other nonces after a restart, and in two instances at once`,
          needs: [...use.needs, 'reopen'],
          profile: 'full',
          async run(context) {
            const keyId = await context.keys.get();
            const input = await use.input(context, { keyId });
            const samples: Sample[] = [];
            for (let restarts = 0; restarts < 3; restarts++) {
              const provider = await context.reopen();
              const other = await context.reopen();
              const made = await manyOf(16, async (index) => {
                const result = await invoke(index % 2 === 0 ? provider : other, use, input);
                const ciphertext = sealedIn(result);
                if (/crypt/i.test(use.operation))
                  return { plaintext: new Uint8Array(), ciphertext };
                const { plaintext } = await provider.decrypt({ keyId, ciphertext });
                return { plaintext, ciphertext };
              });
              samples.push(...made);
              await provider.close();
              await other.close();
            }
            expectUniqueNonces(samples);
          },
        }),
      ),
      {
        id: 'NON-402',
        title: 'uses other nonces while the clock stands still, also in two instances at once',
        needs: ['reopen'],
        profile: 'full',
        alone: true,
        async run({ keys, reopen, secret }) {
          const input = { keyId: await keys.get(), plaintext: secret() };
          const made = await withSteadyClock(async () => {
            const instances = [await reopen(), await reopen()];
            const samples = await manyOf(16, async (index) => {
              const { ciphertext } = await (instances[index % 2] as KeyWrapProvider).encrypt(input);
              return { plaintext: input.plaintext, ciphertext };
            });
            for (const instance of instances) await instance.close();
            return samples;
          });
          expectUniqueNonces(made);
        },
      },
      {
        id: 'NON-401',
        title:
          'calls of every kind, under each name of a key and with other contexts, use different nonces',
        profile: 'full',
        async run(context) {
          const { provider, keys, secret } = context;
          // A new key: what counts for each kind of call begins with it.
          const keyId = await keys.create();
          const names = await namesOf(context, keyId);
          const { encryptionContext: binds } = provider.capabilities;
          const uses = await usesFor(context, [useNumbered('01'), ...sealingUses]);
          const samples: Sample[] = [];
          // In turn: what counts for each kind of call, or for each name, gives the same number to all.
          for (let round = 0; round < 4; round++) {
            for (const name of names) {
              for (const encryptionContext of binds
                ? [undefined, { round: `${round}` }]
                : [undefined]) {
                for (const use of uses) {
                  const key = { keyId: name, encryptionContext, plaintext: secret(48) };
                  const input = await use.input(context, key);
                  const ciphertext = sealedIn(await invoke(provider, use, input));
                  const opened = await provider.decrypt({ keyId, ciphertext, encryptionContext });
                  samples.push({ plaintext: opened.plaintext, ciphertext });
                }
              }
            }
          }
          expectUniqueNonces(samples);
        },
      },
    ],
    SYMMETRIC,
  ),
  ...casesOf(
    nonces,
    [
      {
        id: 'NON-501',
        title: 'RSA: 300 equal calls (soak: 5,000) use as many seeds for OAEP',
        profile: 'full',
        run: (context) =>
          expectDifferentSeeds(
            context,
            [context.provider],
            context.profile === 'soak' ? 5000 : 300,
          ),
      },
      {
        id: 'NON-502',
        title: 'RSA: uses other seeds for OAEP after restarts, and in three instances at once',
        needs: ['reopen'],
        profile: 'full',
        async run(context) {
          const instances = [
            await context.reopen(),
            await context.reopen(),
            await context.reopen(),
          ];
          await expectDifferentSeeds(context, instances, 48);
        },
      },
    ],
    RSA,
  ),
];

/** RFC 8017 section 7.1.1 step 2d: with the same seed, equal plaintexts have equal ciphertexts. */
async function expectDifferentSeeds(
  context: CaseContext,
  providers: readonly KeyWrapProvider[],
  count: number,
): Promise<void> {
  const input = { ...(await keyOf(context, 'RSA_2048')), plaintext: context.secret() };
  const made = await manyOf(count, async (index) => {
    const provider = providers[index % providers.length] as KeyWrapProvider;
    return (await provider.encrypt(input)).ciphertext;
  });
  expectAllDifferent(made, 'ciphertexts');
}
