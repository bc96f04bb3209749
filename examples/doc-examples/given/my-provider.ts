import { LocalKeyWrapProvider } from '@keywrap/provider-local';

/** Represents the provider that a reader of the documentation writes. */
export class MyProvider extends LocalKeyWrapProvider {}

export default MyProvider;
