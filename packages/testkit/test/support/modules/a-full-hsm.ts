import { Managed } from '../managed.js';

/** It has no room for keys. */
export default class extends Managed {
  override async createKey(): Promise<never> {
    throw new Error('the HSM refused', { cause: new Error('no slot is free') });
  }
}
