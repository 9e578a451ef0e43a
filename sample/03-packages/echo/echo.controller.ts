import { Controller, Get, Param, Query, UseFilters } from '@nestjs/common';
import { EchoErrorFilter } from './echo-error.filter.js';
import { type Answer, EchoService } from './echo.service.js';

@Controller()
@UseFilters(EchoErrorFilter)
export class EchoController {
  constructor(private readonly service: EchoService) {}

  @Get('packages/:text')
  byPackage(@Param('text') text: string): Promise<Answer> {
    return this.service.byPackage(text);
  }

  @Get('packages')
  manyByPackage(@Query('texts') texts = ''): Promise<string[]> {
    return this.service.manyByPackage(texts.split(','));
  }

  @Get('kept/:text')
  byBytes(@Param('text') text: string): Promise<Answer> {
    return this.service.byBytes(text);
  }

  @Get('forgotten/:text')
  byNewConnection(@Param('text') text: string): Promise<Answer> {
    return this.service.byNewConnection(text);
  }
}
