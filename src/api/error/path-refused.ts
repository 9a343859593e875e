import { InvalidError } from '../../domain/errors.js';

/** Refused for a value in the path: the filter writes it in the router's form. */
export class PathRefused extends InvalidError {}
