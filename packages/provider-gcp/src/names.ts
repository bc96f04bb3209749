import { type AliasLookup, type KeyName, KeyNames, KeyNotFoundError } from '@keywrap/core';

const ID = /^[a-zA-Z0-9_-]{1,63}$/;

/** Where keys are: a location of a project, and the ring of keys that are named without one. */
export interface Place {
  readonly project: string;
  readonly location: string;
  readonly keyRing: string | undefined;
}

/** Returns true for the name of a key or key ring ([resources](https://cloud.google.com/kms/docs/resource-hierarchy)). */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

/**
 * Returns the resource name of a key, `projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>`, from
 * one of its names here: `<key>`, `<ring>/<key>` or the resource name itself. Undefined for any other text.
 */
export function resourceOf(name: string, { project, location, keyRing }: Place) {
  const rings = `projects/${project}/locations/${location}/keyRings/`;
  const short = name.startsWith(rings)
    ? name.slice(rings.length).replace('/cryptoKeys/', '/')
    : name;
  const [key, ring = keyRing, ...more] = short.split('/').reverse();
  return isId(key) && isId(ring) && more.length === 0
    ? `${rings}${ring}/cryptoKeys/${key}`
    : undefined;
}

/** Converts the contract's names of keys into resource names, and back. */
export class ResourceNames {
  readonly #place: Place;
  readonly #names: KeyNames;

  constructor(place: Place, aliases: AliasLookup) {
    this.#place = place;
    this.#names = new KeyNames({
      scope: { partition: 'gcp', region: place.location, account: place.project },
      aliases,
      isName: (name) => resourceOf(name, place) !== undefined,
    });
  }

  /**
   * Returns the resource name of a key.
   *
   * @throws {@link KeyNotFoundError} when no key can have that name here.
   */
  resourceOf(key: KeyName): string {
    const resource = resourceOf(this.#names.nameOf(key), this.#place) as string;
    // An ARN names the ring: a key has one ARN.
    if (key.kind !== 'key-arn' || this.arnOf(resource) === key.text) return resource;
    throw new KeyNotFoundError('there is no such key: its ARN ends with key/<ring>%2F<key>');
  }

  /** Formats the ARN of a key, `arn:gcp:kms:<location>:<project>:key/<ring>%2F<key>`. */
  arnOf(resource: string): string {
    const [, , , , , ring, , key] = resource.split('/');
    return this.#names.arnOf(`${ring}/${key}`);
  }
}
