// Started by the benchmark import-kms, for how long it takes.
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';

new KmsKeyWrapProvider({ region: 'eu-west-1' });
