/**
 * The steps that tripleo-quickstart's page "Creating custom images" lists, in order, with their names and effects here.
 * Numbers are that page's.
 */
export const STEPS = [
  { number: 1, name: 'base-image', does: 'fetch the base image' },
  { number: 2, name: 'repositories', does: 'set up repositories in it' },
  { number: 3, name: 'packages', does: 'make the overcloud base of it, and install packages there' },
  { number: 4, name: 'undercloud-base', does: 'take the base of the undercloud image' },
  { number: 5, name: 'undercloud-convert', does: 'resize it, and convert it to an undercloud' },
  {
    number: 6,
    name: 'dib-prepare',
    does: 'write the manifest, and prepare this host for disk-image-builder',
  },
  { number: 7, name: 'dib-workaround', does: 'last-minute fixes in the overcloud base' },
  { number: 8, name: 'dib-build', does: 'run disk-image-builder for each image of the manifest' },
  {
    number: 9,
    name: 'dib-verify',
    does: 'check what the manifest promised: each image, its kernel and sums',
  },
  { number: 10, name: 'undercloud-inject', does: 'swap file and overcloud images into the undercloud image' },
  { number: 11, name: 'archive', does: 'compress, sum, archive, and publish where asked' },
] as const;

export type StepName = (typeof STEPS)[number]['name'];

export const STEP_NAMES: readonly StepName[] = STEPS.map((step) => step.name);
