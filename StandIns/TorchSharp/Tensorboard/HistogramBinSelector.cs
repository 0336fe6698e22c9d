namespace TorchSharp.Utils.tensorboard.Enums;

/// <summary>How <see cref="Modules.SummaryWriter"/> chooses a histogram's bins: numpy's estimators, or TensorFlow's fixed exponential ones.</summary>
public enum HistogramBinSelector : byte
{
    Doane = 0,
    Rice,
    Scott,
    Sqrt,
    Stone,
    Sturges,
    Tensorflow,
}
