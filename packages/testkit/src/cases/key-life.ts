import fc from 'fast-check';
import { type CaseContext, casesOf, kmsGuide } from '../case.js';
import { type Command, commands, newLife, outlive } from '../key-life-model.js';
import { expectAlways } from '../property.js';

const life = {
  id: 'key-life',
  statement:
    'In any order of rotating, disabling and enabling, a ciphertext decrypts exactly while its key is enabled',
  source: kmsGuide('key-state.html'),
};

const needs = [
  'algorithm:SYMMETRIC_DEFAULT',
  'key:SYMMETRIC_DEFAULT',
  'keys.disable',
  'keys.enable',
] as const;

function sequencesOf(rotates: boolean): fc.Arbitrary<Command[]> {
  return fc.array(commands({ rotates }), { minLength: 12, maxLength: 24, size: 'max' });
}

async function live(context: CaseContext, caseId: string, rotates: boolean): Promise<void> {
  const attempt = async (sequence: readonly Command[]) => {
    const life = await newLife(context, caseId);
    for (const command of sequence) await command.run(life);
    await outlive(life);
  };
  await expectAlways(context, sequencesOf(rotates), attempt, { runs: 20 });
}

export const keyLifeCases = casesOf(life, [
  {
    id: 'LIF-001',
    title: 'matches a model: disable, enable, encrypt, decrypt, reEncrypt',
    needs,
    run: (context) => live(context, 'LIF-001', false),
  },
  {
    id: 'LIF-002',
    title: 'matches a model, between rotations',
    needs: [...needs, 'keys.rotate'],
    run: (context) => live(context, 'LIF-002', true),
  },
]);
