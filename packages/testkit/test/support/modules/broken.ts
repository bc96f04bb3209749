import { Managed } from '../managed.js';

export default class extends Managed {
  constructor() {
    super();
    throw new Error('the HSM is not plugged in');
  }
}
