import { Controller, Get, Param, UseFilters } from '@nestjs/common';
import { EchoErrorFilter } from './echo-error.filter.js';
import { EchoService } from './echo.service.js';

@Controller('echo')
@UseFilters(EchoErrorFilter)
export class EchoController {
  constructor(private readonly service: EchoService) {}

  @Get(':text')
  echo(@Param('text') text: string): Promise<string> {
    return this.service.echo(text);
  }
}
