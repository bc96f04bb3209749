import { ReferenceProvider } from '#dist/mutants/reference-provider.js';

export default class extends ReferenceProvider {}
