import {
  arnOf,
  deletionCancelled,
  disabled,
  enabled,
  imported,
  type KeyRecord,
  materialDeleted,
  pendingDeletion,
  rotated,
  rotatedToPending,
  withAutomaticRotation,
} from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { thrown } from '../support.js';
import { materials, record, version } from './support.js';

const NOW = new Date(Date.UTC(2026, 0, 1));
const BY_HAND = { date: NOW, type: 'ON_DEMAND' } as const;
const NEW = { importType: 'NEW_KEY_MATERIAL', materialId: undefined } as const;

const doomed = async () => pendingDeletion(await record(), NOW, 7);
const waiting = () => record({ id: 'x', origin: 'EXTERNAL' });
/** An EXTERNAL key with material of these bytes, each rotated to from the one before. */
async function external(...bytes: number[]): Promise<KeyRecord> {
  let key = await waiting();
  for (const byte of bytes) {
    key = imported(key, await version('x', byte), key.versions.length === 0 ? undefined : NEW);
    if (key.pendingVersion !== undefined) key = rotatedToPending(key, NOW);
  }
  return key;
}

async function rejection(work: () => unknown) {
  const { code, message } = await thrown(work);
  return `${code}: ${message}`;
}

describe('The life of a key', () => {
  it('is enabled and disabled, any number of times', async () => {
    const key = await record();
    expect(disabled(disabled(key)).keyState).to.equal('Disabled');
    expect(enabled(enabled(disabled(key))).keyState).to.equal('Enabled');
  });

  it('ends after the waiting period; a cancelled deletion leaves the key disabled', async () => {
    const key = await doomed();
    expect(key).to.deep.include({
      keyState: 'PendingDeletion',
      deletionDate: new Date(Date.UTC(2026, 0, 8)),
    });
    expect(deletionCancelled(key)).to.include({ keyState: 'Disabled', deletionDate: undefined });
  });

  it('rejects what the state does not allow, in the words of AWS KMS', async () => {
    const [key, pending] = [await doomed(), await waiting()];
    const arn = arnOf(key);
    for (const change of [enabled, disabled, (each: KeyRecord) => pendingDeletion(each, NOW, 7)]) {
      expect(await rejection(() => change(key))).to.equal(`KEY_STATE: ${arn} is pending deletion`);
    }
    const live = await record();
    expect(await rejection(() => deletionCancelled(live))).to.equal(
      `KEY_STATE: ${arnOf(live)} is not pending deletion`,
    );
    expect(await rejection(() => enabled(pending))).to.equal(
      `KEY_STATE: ${arnOf(pending)} is pending import`,
    );
    expect(await rejection(() => rotatedToPending(pending, NOW))).to.equal(
      `KEY_STATE: ${arnOf(pending)} is pending import`,
    );
    const off = disabled(live);
    const next = await version('k');
    expect(await rejection(() => rotated(off, next, BY_HAND))).to.equal(
      `KEY_DISABLED: ${arnOf(off)} is disabled`,
    );
  });

  it('rotates symmetric keys without imported material', async () => {
    const key = await record();
    const next = rotated(key, await version(key.id), BY_HAND);
    expect(next.versions.map((each) => each.version)).to.deep.equal([1, 2]);
    expect(next.versions[1]?.rotation).to.equal(BY_HAND);
    const more = await version('k');
    const rsa = await record({ keySpec: 'RSA_2048' });
    expect(await rejection(() => rotated(rsa, more, BY_HAND))).to.match(/^UNSUPPORTED/);
    const imported1 = await external(1);
    expect(await rejection(() => rotated(imported1, more, BY_HAND))).to.match(/^UNSUPPORTED/);
    const schedule = { periodInDays: 90, nextDate: NOW };
    expect(withAutomaticRotation(key, schedule).automaticRotation).to.equal(schedule);
    expect(await rejection(() => withAutomaticRotation(rsa, schedule))).to.match(/^UNSUPPORTED/);
    expect(await rejection(() => withAutomaticRotation(imported1, schedule))).to.match(
      /^UNSUPPORTED/,
    );
  });
});

describe('Imported material', () => {
  it('makes a key pending import usable, and may be imported again', async () => {
    const key = imported(await waiting(), await version('x', 1));
    expect(key.keyState).to.equal('Enabled');
    const again = imported(key, { ...(await version('x', 1, NOW)), description: 'again' });
    expect(materials(again)).to.deep.equal(materials(key));
    expect(again.versions[0]).to.deep.include({ validTo: NOW, description: 'again' });
  });

  it('is never replaced by other material', async () => {
    const [key, other] = [await external(1), await version('x', 2)];
    expect(await rejection(() => imported(key, other))).to.match(/^INVALID_INPUT: keyMaterial/);
    const details = { importType: 'EXISTING_KEY_MATERIAL', materialId: undefined } as const;
    const empty = await waiting();
    for (const each of [key, empty]) {
      expect(await rejection(() => imported(each, other, details))).to.match(/^INVALID_INPUT/);
    }
    const wrong = { importType: undefined, materialId: key.versions[0]?.materialId };
    expect(await rejection(() => imported(empty, other, wrong))).to.match(/^INVALID_INPUT/);
    expect(await rejection(async () => imported(await record(), other))).to.match(/^UNSUPPORTED/);
    const gone = pendingDeletion(key, NOW, 7);
    expect(await rejection(() => imported(gone, other))).to.match(/^KEY_STATE/);
  });

  it('may be pending rotation, one at a time, and be imported again meanwhile', async () => {
    const key = imported(await external(1), await version('x', 2), NEW);
    expect(key).to.include({ keyState: 'Enabled' });
    expect(key.versions).to.have.length(1);
    expect(key.pendingVersion?.version).to.equal(2);
    const third = await version('x', 3);
    expect(await rejection(() => imported(key, third, NEW))).to.match(
      /^KEY_STATE.*pending rotation/,
    );
    const again = imported(key, await version('x', 2, NOW));
    expect(again.pendingVersion?.material).to.equal(key.pendingVersion?.material);
    expect(again.pendingVersion?.validTo).to.equal(NOW);
    const next = rotatedToPending(again, NOW);
    expect(next).to.deep.include({ pendingVersion: undefined });
    expect(next.versions[1]).to.deep.include({ version: 2, rotation: BY_HAND });
    expect(await rejection(() => rotatedToPending(next, NOW))).to.match(/^KEY_STATE: No available/);
  });

  it('that is deleted can be imported again; every version must be present', async () => {
    const key = await external(1, 2);
    const [first] = key.versions;
    const one = materialDeleted(key);
    expect(one.keyState).to.equal('PendingImport');
    expect(materials(one)).to.deep.equal([first?.material, 'missing']);
    const none = materialDeleted(one, first?.materialId);
    expect(materials(none)).to.deep.equal(['missing', 'missing']);
    const half = imported(none, await version('x', 1));
    expect(half.keyState).to.equal('PendingImport');
    const whole = imported(half, await version('x', 2));
    expect(whole.keyState).to.equal('Enabled');
    expect(whole.versions.map((each) => each.version)).to.deep.equal([1, 2]);
    expect(await rejection(() => materialDeleted(key, 'ab'))).to.match(/^KEY_NOT_FOUND/);
    expect(materialDeleted(await waiting()).versions).to.deep.equal([]);
  });

  it('that is pending is deleted by its id, which does not change the key', async () => {
    const key = imported(await external(1), await version('x', 2), NEW);
    const next = materialDeleted(key, key.pendingVersion?.materialId);
    expect(next).to.include({ keyState: 'Enabled', pendingVersion: undefined });
  });

  it('that is missing leaves the key pending import after a cancelled deletion', async () => {
    const key = materialDeleted(pendingDeletion(await external(1), NOW, 7));
    expect(key.keyState).to.equal('PendingDeletion');
    expect(deletionCancelled(key).keyState).to.equal('PendingImport');
  });
});
