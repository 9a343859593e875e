import { Injectable } from '@nestjs/common';
import { expect, it } from 'vitest';
import { collaborators } from '../../../src/api/collaborators.js';

abstract class Settings {
  abstract readonly limit: number;
}
@Injectable()
class Finder {
  constructor(readonly settings: Settings) {}
}
@Injectable()
class Editor {
  constructor(readonly finder: Finder) {}
}
@Injectable()
class Given {}
@Injectable()
class OneController {
  constructor(
    readonly editor: Editor,
    readonly given: Given,
  ) {}
}
@Injectable()
class OtherController {
  constructor(readonly finder: Finder) {}
}

it('finds what constructors ask for, once, and leaves what is given and what is no service', () => {
  expect(collaborators([OneController, OtherController], new Set([Given]))).toEqual([Editor, Finder]);
});
