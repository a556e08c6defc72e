#include "ReproKernels.h"
