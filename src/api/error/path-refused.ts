import { InvalidError } from '../../domain/errors.js';

/** Refused by what stands in the path: the filter writes it in the router's form. */
export class PathRefused extends InvalidError {}
