// Made by Tests/Support/vectors/make_source_tables.py: bytes, SHA-256 and path of every file.

extension SourceSet {
  static let meshes = SourceSet(
    id: "meshes", title: "Thirteen common test meshes",
    licence: "not stated",
    table: """
      7630 50934601c1ebe8cb8f4eb6d020291757b1d3ec93a43c0cd60d10a6148e873554 README.md
      68874 3c2591da8ff9f6a75f8620107c13f2bc90c8e0be767da92cebf0c4477b5bdd06 alligator.obj.gz
      360256 bcd59e24c5892107394e12535133961ab3e2fbf621f46d0d65e9b142d93ce08a beetle-alt.obj.gz
      33737 27c199942f8b5e861ba472ae5186b4729f835a5a872c9999a5c85fd2e6555c79 beetle.obj.gz
      167801 48ae3657b53c47f42f91ad1bda42e6d89f9e8673d0b2f76b31ffe15dd1daa76a cheburashka.obj.gz
      58658 542d625fa3229079fa07c99a31fed8b657fd346eff61e5a8748a4463dcf3fac8 cow.obj.gz
      122508 9199c543e9237cb0505fc8b413a38b093b77b92d997f77d784df2db433f71d83 fandisk.obj.gz
      129034 46b550a526b26b6fbeb78ea3695574c21c92f81a211b36fc7cc6c7561e7e3bc6 homer.obj.gz
      207480 50b320a3f3eb856737d7d8ae2ee60c8d8c98b2ce58317b337a58452e1e2dde8d rocker-arm.obj.gz
      106948 f23e83fe1b228774d632c68ed0fb78d70412937aa6a76a866846eaebf7817a6c spot.obj.gz
      818746 2584109e823f557d82c34409e745ee60a368133096a20ba9d483d14778de938d stanford-bunny.obj.gz
      14047 cba752ed72416dd2213f949241750872d29bf5471352649efb92f8ff36ca8bf2 suzanne.obj.gz
      52592 642b1021322f74b6457d7c3e8a9861a0154af86e3e5fb9d5035e642c7f22c12c teapot.obj.gz
      14417 e0c7ade11690c0a54225e1fe377fa741ab1803c0c2008245d9df10fc34f67158 woody.obj.gz
      """)

  static let modelnet10Voxels = SourceSet(
    id: "modelnet10-voxels", title: "ModelNet10 chairs and monitors, 32x32x32 voxels",
    licence: "not stated (academic use)",
    table: """
      287887 20f1d560bfda89f7795c921afe01d43eab2f9f43b4cca5d2afa51e78c946944c voxels.npz
      """)

  static let mocap = SourceSet(
    id: "mocap", title: "One motion capture clip of walking",
    licence: "MIT",
    table: """
      208870 91dcfb0fad5bf407c6eb74075dadb50447624975db05deb694c88874704538c9 AV_8Walk_Meredith_HVHA_Rep1.bvh.gz
      1072 b065610fb3534cbb0f1bef047516bd818cb16bc28035130ade989a01f83ca1ad LICENSE-PyMO
      """)

  static let fsdd = SourceSet(
    id: "fsdd", title: "Free Spoken Digit Dataset: 8 kHz, 6 speakers",
    licence: "CC BY-SA 4.0",
    table: """
      1550395 8c09cbaec4ba9d28e368fc68fb0c3ed6b34ecba3c055be0a846fea792c572a2e fsdd_test.tar.gz
      14033407 788720d2819ee8ec51d6631e969830a71a1c39225a7b8c1085d98a42e13b0537 fsdd_train.tar.gz
      """)

  static let arem = SourceSet(
    id: "arem", title: "AReM: activities seen by body-worn radio beacons",
    licence: "not stated",
    table: """
      392251 a41fca45b770dbf014c1b11e571615b7ab9386f2f7f46eb7c4ff8b34a766996c arem.tar.gz
      """)

  static let cifar10Resnet = SourceSet(
    id: "cifar10-resnet", title: "ResNet-20 weights for CIFAR-10 in three containers",
    licence: "BSD-2-Clause",
    table: """
      1273 5fd77ac414b6e19f2d22f130ff9d7e29593f05fd9f0a472e07a15661bc16671e LICENSE
      104146 2c9dfc6780fa0df48849f14b87c1f06e32dc53b7b44150511f16d314c692da28 expected.npz
      1099231 12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8 resnet20-12fca82f.th
      1092520 02926273efb1deadb6dc654c7087baea932ef2026d9f854680d6858146d85838 resnet20.safetensors
      1112832 ce06bdda01457f645925ebafbdf58edbe6a79dbd1c684522002c105fb3cfb469 resnet20_zip.pth
      """)
}
