/** Tells whether this has the form of a Region's name, for example `eu-west-1`. */
export function isRegionName(name: string): boolean {
  return name.length <= 32 && /^[a-z]{2,}(-[a-z]+)*-\d+$/.test(name);
}

const PARTITIONS = [
  ['cn-', 'aws-cn'],
  ['eusc-', 'aws-eusc'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-iso-', 'aws-iso'],
] as const;

/** Returns the [partition](https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html) of a Region. */
export function partitionOf(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws';
}
