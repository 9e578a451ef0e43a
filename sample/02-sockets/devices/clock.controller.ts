import { Controller, Get, UseFilters } from '@nestjs/common';
import { DeviceErrorFilter } from './device-error.filter.js';
import { type Answer, DevicesService } from './devices.service.js';

@Controller('clock')
@UseFilters(DeviceErrorFilter)
export class ClockController {
  constructor(private readonly service: DevicesService) {}

  @Get()
  time(): Promise<Answer> {
    return this.service.time();
  }
}
