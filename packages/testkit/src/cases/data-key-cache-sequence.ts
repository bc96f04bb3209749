import { latin1Of } from '../bytes.js';
import type { CaseContext } from '../case.js';
import { flip } from '../damage.js';
import { check, expectBytes, expectError, expectLength } from '../expect.js';
import { Dice } from '../sequence/dice.js';

const LIMITS = { maximumUses: 5, maximumBytes: 1000, maximumAge: 60_000 };

/** What is known of one data key. */
interface Shared {
  readonly group: string;
  readonly since: number;
  readonly isCounted: boolean;
  uses: number;
  bytes: number;
}

interface Made {
  readonly keyId: string;
  readonly encryptionContext: Record<string, string>;
  readonly ciphertext: Uint8Array;
  readonly plaintext: Uint8Array;
}

const CONTEXTS: readonly Record<string, string>[] = [{}, { a: 'b' }, { a: 'b', c: '' }];
const LENGTHS = [16, 32];
const CALLS = { quick: 120, full: 800, soak: 8000 } as const;

/** Makes random calls to a cache while its time passes, and holds what it returns against the rules. */
export async function expectRightSharing({
  cached,
  keys,
  seed,
  profile,
}: CaseContext): Promise<void> {
  const { provider, passTime } = cached(LIMITS);
  const dice = new Dice(seed);
  const ids = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
  const shared = new Map<string, Shared>();
  const made: Made[] = [];
  let now = 0;
  const generate = async () => {
    const [keyId, encryptionContext] = [dice.pick(ids), dice.pick(CONTEXTS)];
    const length = dice.pick(LENGTHS);
    const bytes = dice.once(6) ? undefined : 1 + dice.below(dice.pick([60, 400]));
    const size =
      length === 32 && dice.once(2) ? { keySpec: 'AES_256' as const } : { numberOfBytes: length };
    const options = bytes === undefined ? {} : { bytesToEncrypt: bytes };
    const result = await provider.generateDataKey({ keyId, encryptionContext, ...size }, options);
    expectLength(result.plaintext, length, 'a data key');
    const group = [keyId, JSON.stringify(encryptionContext), length].join(' ');
    use(shared, latin1Of(result.plaintext), group, bytes, now);
    const { ciphertext, plaintext } = result;
    made.push({
      keyId,
      encryptionContext,
      ciphertext: ciphertext.slice(),
      plaintext: plaintext.slice(),
    });
    if (dice.once(2)) ciphertext.fill(0);
    if (dice.once(2)) result[Symbol.dispose]();
  };
  const decrypt = async () => {
    const { plaintext, ...right } = made[Math.max(0, made.length - 1 - dice.below(12))] as Made;
    const wrong = dice.pick([
      undefined,
      undefined,
      { ...right, ciphertext: flip(right.ciphertext) },
      { ...right, encryptionContext: { other: 'context' } },
      { ...right, keyId: ids.find((each) => each !== right.keyId) as string },
    ]);
    if (wrong === undefined) {
      const opened = await provider.decrypt(right);
      expectBytes(opened.plaintext, plaintext, 'the data key');
      if (dice.once(2)) opened[Symbol.dispose]();
      return;
    }
    const codes = ['INVALID_CIPHERTEXT', 'INCORRECT_KEY'] as const;
    await expectError(provider.decrypt(wrong), codes, { operation: 'decrypt' });
  };
  for (let calls = 0; calls < CALLS[profile]; ) {
    const size = 1 + dice.below(6);
    await Promise.all(
      Array.from({ length: size }, () =>
        made.length > 0 && dice.once(3) ? decrypt() : generate(),
      ),
    );
    calls += size;
    if (!dice.once(8)) continue;
    const time = dice.pick([1, 500, 20_000, 60_000, 60_001]);
    passTime(time);
    now += time;
  }
}

/** Counts a use of a data key, and fails the case if it goes beyond a limit or a group. */
function use(
  all: Map<string, Shared>,
  dataKey: string,
  group: string,
  bytes: number | undefined,
  now: number,
): void {
  const known = all.get(dataKey) ?? {
    group,
    since: now,
    isCounted: bytes !== undefined,
    uses: 0,
    bytes: 0,
  };
  check(
    all.get(dataKey) === undefined || (known.isCounted && bytes !== undefined),
    'a data key of its own for a call that does not say how many bytes it encrypts',
    'a shared one',
  );
  all.set(dataKey, known);
  check(known.group === group, 'one data key for each key, context and length', 'one of another');
  known.uses++;
  known.bytes += bytes ?? 0;
  check(known.uses <= LIMITS.maximumUses, `at most ${LIMITS.maximumUses} uses`, `${known.uses}`);
  check(
    known.bytes <= LIMITS.maximumBytes,
    `at most ${LIMITS.maximumBytes} bytes`,
    `${known.bytes}`,
  );
  const age = now - known.since;
  check(age <= LIMITS.maximumAge, `an age of at most ${LIMITS.maximumAge} ms`, `${age} ms`);
}
