import { ReferenceProvider } from '../reference.js';

export default class extends ReferenceProvider {}
