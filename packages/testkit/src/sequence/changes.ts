import { newAlias } from '../operations.js';
import type { World, WorldKey } from './world.js';

/** A change of a key or an alias, made while no call is in progress. */
type Change = (world: World, key: WorldKey) => Promise<void>;

const disable: Change = async ({ context }, key) => {
  if (key.state !== 'Enabled') return;
  await context.keys.disable(key.keyId);
  key.state = 'Disabled';
};

export const enable: Change = async ({ context }, key) => {
  if (key.state !== 'Disabled') return;
  await context.keys.enable(key.keyId);
  key.state = 'Enabled';
};

/** AWS KMS rotates a key on demand at most ten times, and no disabled key. */
const rotate: Change = async ({ context }, key) => {
  if (key.state !== 'Enabled' || key.epoch >= 8) return;
  if (key.kind === 'RSA_2048' && !(await context.keys.rotatesRsa())) return;
  await context.keys.rotate(key.keyId);
  key.epoch++;
};

const alias: Change = async ({ context, aliases }, key) => {
  if (key.state !== 'Enabled' || aliases.size >= 4) return;
  const name = newAlias();
  await context.keys.alias(name, key.keyId);
  aliases.set(name, key);
};

const moveAlias: Change = async ({ context, aliases, dice }, key) => {
  if (key.state !== 'Enabled' || aliases.size === 0) return;
  const [name, from] = dice.pick([...aliases]);
  // AWS KMS moves an alias only to a key of the same kind.
  if (from.kind !== key.kind || from.state !== 'Enabled') return;
  await context.keys.moveAlias(name, key.keyId);
  aliases.set(name, key);
};

/** Deletes a key, and puts a new one in its place. */
const retire =
  (method: 'scheduleDeletion' | 'destroy'): Change =>
  async (world, key) => {
    if (key.state !== 'Enabled' || key.kind === 'RSA_2048' || !world.mayRetire()) return;
    for (const [name, target] of world.aliases) if (target === key) world.aliases.delete(name);
    await world.context.keys[method](key.keyId);
    key.state = method === 'destroy' ? 'Destroyed' : 'PendingDeletion';
    await world.addKey(key.kind);
  };

/** Returns the changes that the harness can make, each as often as it comes. */
export function changesFor({ context: { keys } }: World): readonly Change[] {
  const all: Change[] = [];
  // Enabling comes more often, so that most keys can be used.
  if (keys.can('disable') && keys.can('enable')) {
    all.push(disable, disable, enable, enable, enable, enable);
  }
  if (keys.can('rotate')) all.push(rotate, rotate, rotate);
  if (keys.can('alias')) all.push(alias);
  if (keys.can('alias') && keys.can('moveAlias')) all.push(moveAlias, moveAlias);
  if (keys.can('scheduleDeletion')) all.push(retire('scheduleDeletion'));
  if (keys.can('destroy')) all.push(retire('destroy'));
  return all;
}
