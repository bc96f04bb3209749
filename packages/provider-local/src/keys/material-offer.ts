import type { KeyMaterial } from './material.js';
import { arnOf, type KeyRecord, type KeyVersion, materialsOf } from './record.js';

/**
 * Holds key material that is made before a change, because a change may run several times and then fail.
 * Material that no key has afterwards is destroyed.
 */
export class MaterialOffer {
  readonly #offered = new Set<KeyMaterial>();
  readonly #copies = new Map<string, KeyMaterial>();

  /** @param versions Their material changes owner. */
  constructor(versions: readonly KeyVersion[]) {
    for (const { material } of versions) if (material !== undefined) this.#offered.add(material);
  }

  /** Copies material for another key. Repeated calls return the same copy. */
  readonly copy = (key: KeyRecord, { materialId, material }: KeyVersion): KeyMaterial => {
    const name = `${arnOf(key)} ${materialId}`;
    const copy = this.#copies.get(name) ?? (material as KeyMaterial).copy();
    this.#copies.set(name, copy);
    this.#offered.add(copy);
    return copy;
  };

  /** @param change Resolves to the records that were kept. */
  async settle(change: Promise<readonly KeyRecord[]>): Promise<readonly KeyRecord[]> {
    let kept: readonly KeyRecord[] = [];
    try {
      kept = await change;
      return kept;
    } finally {
      const taken = new Set(kept.flatMap(materialsOf));
      for (const material of this.#offered) if (!taken.has(material)) material.destroy();
    }
  }
}
