import { Controller, Get, HttpCode, Param, Post, UseFilters } from '@nestjs/common';
import { type Answer, DevicesService } from './devices.service.js';
import { DeviceErrorFilter } from './device-error.filter.js';

@Controller('devices')
@UseFilters(DeviceErrorFilter)
export class DevicesController {
  constructor(private readonly service: DevicesService) {}

  @Get()
  readAll(): Promise<Answer[]> {
    return Promise.all(this.service.names().map((name) => this.service.read(name)));
  }

  @Get(':name')
  read(@Param('name') name: string): Promise<Answer> {
    return this.service.read(name);
  }

  @Post(':name/restart')
  @HttpCode(200)
  restart(@Param('name') name: string): Promise<Answer> {
    return this.service.command(name, 'restart');
  }

  @Post(':name/alarm')
  @HttpCode(200)
  alarm(@Param('name') name: string): Promise<Answer> {
    return this.service.command(name, 'alarm');
  }
}
