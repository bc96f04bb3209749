import { Managed } from '../managed.js';

export default () => new Managed();
